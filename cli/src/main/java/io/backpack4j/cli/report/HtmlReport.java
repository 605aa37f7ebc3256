// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.cli.console.CliProblems;
import io.backpack4j.formats.TextFile;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Properties;

/**
 * Writes a report as one HTML file that needs nothing else: style, numbers, program and the chart library are in it.
 */
public final class HtmlReport {

    private static final String LIBRARY = "/META-INF/maven/org.webjars.npm/chart.js/pom.properties";
    private static final String SCRIPT = "/META-INF/resources/webjars/chart.js/%s/dist/chart.umd.min.js";

    private HtmlReport() {}

    /** Writes the page, replacing what the file held, as a whole or not at all. */
    public static void write(Report report, Path file) {
        TextFile.write(file, page(report));
    }

    /** Writes a page about a training run, replacing what the file held, as a whole or not at all. */
    public static void write(TrainingReport report, Path file) {
        TextFile.write(file, page(report));
    }

    /** Writes a page about suspicious labels, replacing what the file held, as a whole or not at all. */
    public static void write(AuditReport report, Path file) {
        TextFile.write(file, page(report));
    }

    /** The page as text. */
    public static String page(Report report) {
        String template = text("report.html").replace("/*CURVATURE*/", text("curvature.js"));
        return filled(template, text("report.js"), report);
    }

    /** The page as text. */
    public static String page(TrainingReport report) {
        return filled(text("training.html"), text("training.js"), report);
    }

    /** The page as text. */
    public static String page(AuditReport report) {
        return filled(text("audit.html"), text("audit.js"), report);
    }

    private static String filled(String template, String script, Object data) {
        return template.replace("/*STYLE*/", text("report.css"))
                .replace("/*LIBRARY*/", library())
                .replace("/*DRAWING*/", text("drawing.js"))
                .replace("/*SURPRISES*/", text("surprises.js"))
                .replace("/*PAGE*/", script)
                .replace("/*DATA*/", json(data));
    }

    /** The numbers as JSON that cannot end the element it stands in. */
    private static String json(Object report) {
        try {
            return new ObjectMapper().writeValueAsString(report).replace("<", "\\u003c");
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String library() {
        Properties properties = new Properties();
        try (InputStream stream = open(LIBRARY)) {
            properties.load(stream);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String script = text(SCRIPT.formatted(properties.getProperty("version")));
        return script.replaceAll("(?m)^//# sourceMappingURL=.*$", "").replace("</script", "<\\/script");
    }

    private static String text(String resource) {
        try (InputStream stream = open(resource)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream open(String resource) {
        InputStream stream = HtmlReport.class.getResourceAsStream(resource);
        if (stream == null) {
            throw new BackpackException(
                    CliProblems.MISSING_RESOURCE, "'%s' is not on the class path. Build again.".formatted(resource));
        }
        return stream;
    }
}
