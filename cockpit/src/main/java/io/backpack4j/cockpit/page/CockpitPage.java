// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.page;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.alarm.Alarms;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.formats.TextFile;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The page as one HTML file that needs no network: style, program and, of finished runs, the lines are in it. */
public final class CockpitPage {

    private static final List<String> SCRIPTS = List.of("store.js", "plots.js", "instruments.js", "page.js");

    private CockpitPage() {}

    /**
     * Writes the page of finished runs, replacing what the file held.
     *
     * @param runs logs by the names that the page shows; several are compared
     */
    public static void write(Map<String, RunLog> runs, AlarmOptions options, Path target) {
        TextFile.write(target, html(runs, options));
    }

    /** The page of finished runs. */
    public static String html(Map<String, RunLog> runs, AlarmOptions options) {
        List<Object> all = new ArrayList<>();
        runs.forEach((name, log) -> {
            Map<String, Object> run = new LinkedHashMap<>();
            run.put("name", name);
            run.put("lines", LightLines.of(log.lines()));
            run.put("alarms", Alarms.of(log, options));
            all.add(run);
        });
        return page(Map.of("runs", all, "live", false));
    }

    /** The page that asks for lines while a run goes on. */
    static String live(String name) {
        return page(Map.of("runs", List.of(Map.of("name", name)), "live", true));
    }

    private static String page(Map<String, Object> data) {
        String style = text("cockpit.css");
        return text("cockpit.html")
                .replace("/*POLICY*/", policy())
                .replace("/*STYLE*/", style)
                .replace("/*SCRIPT*/", script())
                .replace("/*DATA*/", json(data).replace("<", "\\u003c"));
    }

    /** What the page may do: run its own script, with its own style, and hear from where it came. */
    static String policy() {
        return "default-src 'none'; style-src '%s'; script-src '%s'; connect-src 'self'; base-uri 'none'; form-action 'none'"
                .formatted(hash(text("cockpit.css")), hash(script()));
    }

    private static String script() {
        return SCRIPTS.stream().map(CockpitPage::text).collect(Collectors.joining("\n"));
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return "sha256-" + Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }

    static String json(Object value) {
        try {
            return new ObjectMapper().writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(String resource) {
        try (InputStream stream = CockpitPage.class.getResourceAsStream(resource)) {
            if (stream == null) {
                throw new BackpackException(
                        CommonProblems.UNSUPPORTED,
                        "'%s' is not in the jar of the cockpit. Build it again.".formatted(resource));
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
