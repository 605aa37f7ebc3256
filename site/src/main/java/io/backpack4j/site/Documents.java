// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The repository's documents as pages: all of {@code docs}, the README as the front page, and whatever else they link
 * to. Links are turned to where things are on the site.
 */
final class Documents {

    private static final Pattern LINK = Pattern.compile("(!?\\[[^\\]]*\\]\\()([^)\\s]+)(\\))");
    private static final String FRONT = "README.md";

    private final Path root;
    private final Path pages;
    private final Deque<Path> waiting = new ArrayDeque<>();
    private final Set<Path> seen = new LinkedHashSet<>();

    Documents(Path root, Path pages) {
        this.root = root;
        this.pages = pages;
    }

    /** Writes all pages; returns their titles by their place on the site. */
    Map<String, String> write() throws IOException {
        visit(root.resolve(FRONT));
        for (Path file : Folders.files(root.resolve("docs"))) {
            visit(file);
        }
        visit(root.resolve("docs/adr"));
        Map<String, String> titles = new TreeMap<>();
        while (!waiting.isEmpty()) {
            Path source = waiting.remove();
            Path target = pages.resolve(place(source));
            Files.createDirectories(target.getParent());
            if (Files.isDirectory(source)) {
                String list = listing(source);
                Files.writeString(target, list);
                titles.put(place(source), title(list));
            } else if (isPage(source)) {
                String text = Files.readString(source).replace("\r\n", "\n");
                titles.put(place(source), title(text));
                Files.writeString(target, head(text) + PlainMarkdown.of(linked(source, text)));
            } else {
                Files.copy(source, target);
            }
        }
        return titles;
    }

    private void visit(Path source) {
        if (seen.add(source)) {
            waiting.add(source);
        }
    }

    private static boolean isPage(Path source) {
        return source.getFileName().toString().endsWith(".md");
    }

    /** Where a file or folder of the repository is on the site. */
    private String place(Path source) {
        String path = root.relativize(source).toString().replace('\\', '/');
        if (path.equals(FRONT)) {
            return "index.md";
        }
        if (Files.isDirectory(source)) {
            return (path.startsWith("docs/") ? path.substring(5) : "more/" + path) + "/index.md";
        }
        if (path.startsWith("docs/")) {
            return path.substring(5);
        }
        if (isPage(source)) {
            return "more/" + path.replace(FRONT, "about.md");
        }
        return "more/" + (path.contains(".") ? path : path + ".txt");
    }

    private String linked(Path source, String text) throws IOException {
        StringBuilder result = new StringBuilder();
        boolean code = false;
        for (String line : text.split("\n", -1)) {
            code ^= line.strip().startsWith("```");
            result.append(code ? line : linkedLine(source, line)).append('\n');
        }
        result.setLength(result.length() - 1);
        return result.toString();
    }

    private String linkedLine(Path source, String line) throws IOException {
        Matcher links = LINK.matcher(line);
        StringBuilder result = new StringBuilder();
        while (links.find()) {
            String target = links.group(2);
            if (!target.contains("://") && !target.startsWith("#") && !target.startsWith("mailto:")) {
                target = turned(source, target);
            }
            links.appendReplacement(result, Matcher.quoteReplacement(links.group(1) + target + links.group(3)));
        }
        return links.appendTail(result).toString();
    }

    private String turned(Path source, String link) {
        int hash = link.indexOf('#');
        String file = hash < 0 ? link : link.substring(0, hash);
        Path target = source.getParent().resolve(file).normalize();
        if (!Files.exists(target) || !target.startsWith(root)) {
            throw new IllegalStateException(
                    "%s links to %s, which does not exist.".formatted(root.relativize(source), link));
        }
        visit(target);
        Path from = Path.of("/").resolve(place(source)).getParent();
        String relative =
                from.relativize(Path.of("/").resolve(place(target))).toString().replace('\\', '/');
        return relative + (hash < 0 ? "" : link.substring(hash));
    }

    /** A page with the names of a folder's files, which it shows. */
    private String listing(Path folder) throws IOException {
        String name = root.relativize(folder).toString().replace('\\', '/');
        Map<String, String> lines = new TreeMap<>();
        for (Path file : Folders.files(folder)) {
            visit(file);
            String path = Path.of("/")
                    .resolve(place(folder))
                    .getParent()
                    .relativize(Path.of("/").resolve(place(file)))
                    .toString()
                    .replace('\\', '/');
            String shown = isPage(file)
                    ? title(Files.readString(file))
                    : file.getFileName().toString();
            lines.put(path, "- [%s](%s)".formatted(shown, path));
        }
        String heading = name.equals("docs/adr") ? "Decisions" : "`" + name + "`";
        return lines.values().stream().collect(Collectors.joining("\n", "# " + heading + "\n\n", "\n"));
    }

    /** Pages with wide tables do without the list of headings beside them. */
    private static String head(String text) {
        boolean wide = text.lines().anyMatch(line -> line.startsWith("|---") && line.split("\\|").length > 6);
        return wide ? "---\nhide:\n  - toc\n---\n\n" : "";
    }

    private static String title(String text) {
        return text.lines()
                .filter(line -> line.startsWith("# "))
                .findFirst()
                .map(line -> line.substring(2).replace("`", ""))
                .orElseThrow(() -> new IllegalStateException(
                        "A page has no title: " + text.lines().findFirst()));
    }
}
