// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.page;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.backpack4j.cockpit.alarm.Alarm;
import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.alarm.Alarms;
import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Serves the page while a run goes on, on the loopback address alone, below a path that nobody can guess. There is
 * nothing to be written or asked but the page and the events of the run, which a page that comes late, or back, gets
 * from where it stopped.
 *
 * <pre>{@code
 * try (LivePage page = LivePage.open(0, "digits", AlarmOptions.DEFAULT)) {
 *     cockpit.listen(page);
 *     System.out.println(page.address());
 *     …
 * }
 * }</pre>
 *
 * <p>Lines may come from one thread, that of the loop; pages are served by others, which end with it.
 */
public final class LivePage implements Consumer<LogLine>, AutoCloseable {

    private static final int MOST_LISTENERS = 32;
    private static final long HEARTBEAT_MILLISECONDS = 10_000;
    private static final int BACKLOG = 16;

    private final HttpServer server;
    private final ExecutorService threads;
    private final String path;
    private final Supplier<String> page;
    private final Set<String> hosts;
    private final LineStore store = new LineStore();
    private final Alarms alarms;
    private final AtomicInteger listeners = new AtomicInteger();
    private final AtomicInteger cuts = new AtomicInteger();
    private int raised;
    private volatile boolean closed;

    private LivePage(HttpServer server, Supplier<String> page, AlarmOptions options) {
        byte[] token = new byte[16];
        new SecureRandom().nextBytes(token);
        this.server = server;
        this.path = "/" + HexFormat.of().formatHex(token) + "/";
        this.page = page;
        this.alarms = new Alarms(options);
        int port = server.getAddress().getPort();
        this.hosts = Set.of("127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port);
        this.threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "cockpit-page");
            thread.setDaemon(true);
            return thread;
        });
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    /**
     * Opens a page.
     *
     * @param port 0 for any that is free
     * @param name of the run
     * @throws BackpackException if the port is taken
     */
    public static LivePage open(int port, String name, AlarmOptions options) {
        String page = CockpitPage.live(name);
        return open(port, () -> page, options);
    }

    /**
     * Opens a page of logs, which are read again whenever somebody asks for it.
     *
     * @param port 0 for any that is free
     * @param logs by the names that the page shows
     * @throws BackpackException if the port is taken
     */
    public static LivePage open(int port, Map<String, Path> logs, AlarmOptions options) {
        Map<String, Path> paths = new LinkedHashMap<>(logs);
        return open(
                port,
                () -> {
                    Map<String, RunLog> runs = new LinkedHashMap<>();
                    paths.forEach((name, path) -> runs.put(name, RunLog.read(path)));
                    return CockpitPage.html(runs, options);
                },
                options);
    }

    private static LivePage open(int port, Supplier<String> page, AlarmOptions options) {
        try {
            InetSocketAddress address =
                    new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port);
            return new LivePage(HttpServer.create(address, BACKLOG), page, options);
        } catch (IOException | IllegalArgumentException e) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The page cannot be served at port %d: %s. Name another port, or 0 for any that is free."
                            .formatted(port, e.getMessage()),
                    e);
        }
    }

    /** Where the page is, for a browser on this machine. */
    public URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
    }

    @Override
    public void accept(LogLine line) {
        store.add(line);
        alarms.accept(line);
        List<Alarm> all = alarms.raised();
        for (; raised < all.size(); raised++) {
            store.add(all.get(raised));
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String host = exchange.getRequestHeaders().getFirst("Host");
            String asked = exchange.getRequestURI().getPath();
            if (host == null || !hosts.contains(host)) {
                // A name that somebody else points at this machine must not read the page.
                refuse(exchange, 403);
            } else if (!exchange.getRequestMethod().equals("GET")) {
                refuse(exchange, 405);
            } else if (asked.equals(path)) {
                send(exchange);
            } else if (asked.equals(path + "events")) {
                stream(exchange);
            } else {
                refuse(exchange, 404);
            }
        }
    }

    private static void refuse(HttpExchange exchange, int status) throws IOException {
        exchange.sendResponseHeaders(status, -1);
    }

    private void send(HttpExchange exchange) throws IOException {
        byte[] bytes = page.get().getBytes(StandardCharsets.UTF_8);
        headers(exchange, "text/html; charset=utf-8");
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private static void headers(HttpExchange exchange, String type) {
        var headers = exchange.getResponseHeaders();
        headers.set("Content-Type", type);
        headers.set("Content-Security-Policy", CockpitPage.policy() + "; frame-ancestors 'none'");
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cache-Control", "no-store");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
    }

    /** Events from the last that the page has on, until it goes or the run is over. */
    private void stream(HttpExchange exchange) throws IOException {
        if (listeners.incrementAndGet() > MOST_LISTENERS) {
            listeners.decrementAndGet();
            refuse(exchange, 503);
            return;
        }
        try {
            headers(exchange, "text/event-stream; charset=utf-8");
            exchange.sendResponseHeaders(200, 0);
            send(exchange.getResponseBody(), lastId(exchange));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            listeners.decrementAndGet();
        }
    }

    private static long lastId(HttpExchange exchange) {
        String given = exchange.getRequestHeaders().getFirst("Last-Event-ID");
        try {
            return given == null ? 0 : Math.max(0, Long.parseLong(given.strip()));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private void send(OutputStream body, long from) throws IOException, InterruptedException {
        long last = from;
        body.write("retry: 1000\n\n".getBytes(StandardCharsets.UTF_8));
        body.flush();
        int cut = cuts.get();
        while (cut == cuts.get()) {
            List<LineStore.Event> events = store.after(last, HEARTBEAT_MILLISECONDS);
            if (events.isEmpty()) {
                // Finds out whether somebody is still there.
                body.write(": \n\n".getBytes(StandardCharsets.UTF_8));
            }
            for (LineStore.Event event : events) {
                String text = "id: %d\nevent: %s\ndata: %s\n\n".formatted(event.id(), event.kind(), event.json());
                body.write(text.getBytes(StandardCharsets.UTF_8));
                last = event.id();
            }
            body.flush();
            if (closed && events.stream().anyMatch(event -> event.kind().equals("end"))) {
                return;
            }
        }
    }

    /** Cuts all connections, as a lost network does; pages come back by themselves. */
    void disconnect() {
        cuts.incrementAndGet();
        store.wake();
    }

    /** Tells pages that the run is over, and ends. Closing twice does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        store.end();
        server.stop(1);
        threads.shutdownNow();
    }
}
