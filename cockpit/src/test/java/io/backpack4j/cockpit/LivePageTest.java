// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.log.LogHeader;
import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.page.LivePage;
import io.backpack4j.cockpit.quantity.Measurement;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class LivePageTest {

    private static LogLine step(long number) {
        return LogLine.step(number, Map.of("Loss", Measurement.of(1.0 / (number + 1))));
    }

    private static LogLine header() {
        return new LogHeader("m", "SGD", 0, List.of("0.weight"), Map.of("Loss", "Loss"), OptionalLong.empty())
                .line(Map.of());
    }

    private static HttpResponse<String> get(URI uri, String method) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(uri)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void the_page_is_served_below_its_token_only_and_cannot_be_written_to() throws Exception {
        try (LivePage page = LivePage.open(0, "run", AlarmOptions.DEFAULT)) {
            URI address = page.address();
            assertThat(address.getHost()).isEqualTo("127.0.0.1");
            assertThat(address.getPath()).hasSize(34);
            HttpResponse<String> answer = get(address, "GET");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body())
                    .contains("<h1>Cockpit</h1>")
                    .doesNotContain("/*DATA*/", "/*SCRIPT*/", "/*STYLE*/");
            assertThat(answer.headers().firstValue("Content-Security-Policy").orElseThrow())
                    .contains("default-src 'none'", "script-src 'sha256-")
                    .doesNotContain("unsafe");
            assertThat(get(address.resolve("/"), "GET").statusCode()).isEqualTo(404);
            assertThat(get(address.resolve("/0123456789abcdef0123456789abcdef/"), "GET")
                            .statusCode())
                    .isEqualTo(404);
            for (String method : List.of("POST", "PUT", "DELETE")) {
                assertThat(get(address, method).statusCode()).isEqualTo(405);
            }
        }
    }

    @Test
    void another_host_name_for_this_machine_is_refused() throws Exception {
        try (LivePage page = LivePage.open(0, "run", AlarmOptions.DEFAULT);
                Socket socket = new Socket("127.0.0.1", page.address().getPort())) {
            OutputStream out = socket.getOutputStream();
            out.write(("GET " + page.address().getPath() + " HTTP/1.1\r\nHost: evil.example\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            String status = new BufferedReader(
                            new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                    .readLine();
            assertThat(status).contains("403");
        }
    }

    /** Reads events until one has the wanted text. */
    private static List<String> events(LivePage page, String lastId, String until) throws IOException {
        List<String> lines = new ArrayList<>();
        try (Socket socket = new Socket("127.0.0.1", page.address().getPort())) {
            String request = "GET " + page.address().getPath() + "events HTTP/1.1\r\nHost: 127.0.0.1:"
                    + page.address().getPort() + "\r\n" + (lastId.isEmpty() ? "" : "Last-Event-ID: " + lastId + "\r\n")
                    + "\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            BufferedReader reader =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String line = reader.readLine();
            while (line != null) {
                if (line.startsWith("id: ") || line.startsWith("data: ")) {
                    lines.add(line);
                }
                if (line.contains(until)) {
                    return lines;
                }
                line = reader.readLine();
            }
        }
        return lines;
    }

    @Test
    void who_comes_late_hears_everything_and_who_comes_back_the_rest() throws Exception {
        try (LivePage page = LivePage.open(0, "run", AlarmOptions.DEFAULT)) {
            page.accept(header());
            for (int step = 0; step < 5; step++) {
                page.accept(step(step));
            }
            List<String> all = events(page, "", "\"step\":4");
            assertThat(all).hasSize(12).contains("id: 1", "id: 6");
            List<String> rest = events(page, "4", "\"step\":4");
            assertThat(rest).hasSize(4).contains("id: 5", "id: 6").doesNotContain("id: 4");
            Thread later = new Thread(() -> page.accept(step(5)));
            later.start();
            assertThat(events(page, "6", "\"step\":5")).hasSize(2);
            later.join();
        }
    }

    @Test
    void ten_thousand_steps_and_more_stay_within_bounds() throws Exception {
        try (LivePage page = LivePage.open(0, "run", AlarmOptions.DEFAULT)) {
            page.accept(header());
            for (int step = 0; step < 14_000; step++) {
                page.accept(step(step));
            }
            List<String> all = events(page, "", "\"step\":13999");
            assertThat(all.size() / 2).isLessThanOrEqualTo(12_000);
            assertThat(all.get(1)).contains("\"schema\"");
        }
    }
}
