// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.page;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Chromium with a page open, and questions to it by its DevTools protocol: a page that listens to a server never ends
 * loading for {@code --dump-dom}.
 */
public final class OpenBrowser implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long PATIENCE_SECONDS = 90;

    private final Process process;
    private final WebSocket socket;
    private final StringBuilder partial = new StringBuilder();
    private CompletableFuture<String> answer = new CompletableFuture<>();

    /** Chromium, if it is on the PATH. */
    public static Optional<Path> find() {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(place -> Stream.of("chromium", "chromium-browser", "google-chrome")
                        .map(name -> Path.of(place, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /**
     * Opens a page.
     *
     * @param profile a folder of its own
     */
    public OpenBrowser(Path browser, Path profile, URI page) throws Exception {
        process = new ProcessBuilder(
                        browser.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--remote-debugging-port=0",
                        "--user-data-dir=" + profile)
                .redirectErrorStream(true)
                .redirectOutput(profile.resolveSibling("browser.log").toFile())
                .start();
        Path ports = profile.resolve("DevToolsActivePort");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!Files.exists(ports) || Files.readAllLines(ports).isEmpty()) {
            if (System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new IOException("Chromium does not start");
            }
            Thread.sleep(100);
        }
        URI open = URI.create("http://127.0.0.1:" + Files.readAllLines(ports).get(0) + "/json/new?" + page);
        HttpClient client = HttpClient.newHttpClient();
        String tab = client.send(
                        HttpRequest.newBuilder(open)
                                .PUT(HttpRequest.BodyPublishers.noBody())
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
        String address = JSON.readTree(tab).get("webSocketDebuggerUrl").asText();
        socket = client.newWebSocketBuilder()
                .buildAsync(URI.create(address), new Listener())
                .join();
    }

    private final class Listener implements WebSocket.Listener {
        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            partial.append(data);
            if (last) {
                answer.complete(partial.toString());
                partial.setLength(0);
            }
            from.request(1);
            return null;
        }
    }

    /** The document once it is as wanted, or as it is when patience ends. */
    public String document(Predicate<String> wanted) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        String document;
        do {
            Thread.sleep(200);
            document = evaluate("document.documentElement ? document.documentElement.outerHTML : ''");
        } while (!wanted.test(document) && System.nanoTime() < deadline);
        return document;
    }

    /** What an expression is in the page, as text; empty if the page was just being loaded. */
    public String evaluate(String expression) throws Exception {
        return ask("Runtime.evaluate", Map.of("expression", expression))
                .at("/result/result/value")
                .asText();
    }

    /** Loads the page anew. */
    public void reload() throws Exception {
        ask("Page.reload", Map.of());
    }

    private JsonNode ask(String method, Map<String, ?> parameters) throws Exception {
        answer = new CompletableFuture<>();
        socket.sendText(JSON.writeValueAsString(Map.of("id", 1, "method", method, "params", parameters)), true)
                .join();
        return JSON.readTree(answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
    }

    /** Ends all processes of the browser: one that goes on would write into its folder while that is deleted. */
    @Override
    public void close() {
        socket.abort();
        List<ProcessHandle> all = Stream.concat(process.descendants(), Stream.of(process.toHandle()))
                .toList();
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(each -> each.onExit().join());
    }
}
