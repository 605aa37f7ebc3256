// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import io.backpack4j.gallery.Gallery;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * MkDocs' configuration, with every page in the navigation: new documents need no entry. A document of {@code docs} is
 * reference, one of {@code docs/guide} is for users of the library, unless they are listed here for somebody else.
 */
final class Navigation {

    private static final String USERS = "Guides/Using the library";
    private static final String REFERENCE = "Reference";

    /** Pages that are not where their folder says, in the order of their sections. */
    private static final Map<String, List<String>> PLACES = new LinkedHashMap<>();

    static {
        PLACES.put("Start", List.of("index.md", "start.md", "installation.md", "concepts.md", "modules.md"));
        PLACES.put("Gallery", List.of("gallery/index.md"));
        Gallery.ROOMS.forEach(room -> PLACES.put("Gallery/" + room.title(), GalleryPages.pages(room)));
        PLACES.put("Gallery/Helpers", List.of("gallery/helpers.md"));
        PLACES.put("Guides", List.of("guide/index.md"));
        PLACES.put(USERS, List.of("guide/command-line.md", "guide/what-the-numbers-mean.md", "guide/training.md"));
        PLACES.put("Guides/Coming from PyTorch", List.of("guide/pytorch.md", "guide/from-pytorch.md", "guide/onnx.md"));
        PLACES.put(
                "Guides/Writing extensions, layers, backends",
                List.of("guide/write-a-plugin.md", "guide/write-a-backend.md"));
        PLACES.put(REFERENCE, List.of("quantities.md", "support.md", "problems.md", "api.md"));
        PLACES.put(
                "Measured",
                List.of(
                        "benchmark.md",
                        "benchmark-architectures.md",
                        "targets.md",
                        "memory.md",
                        "measurements.md",
                        "kernels.md",
                        "models.md",
                        "experiments.md",
                        "spark-planning.md",
                        "robustness.md"));
        PLACES.put("Design", List.of("architecture.md", "more/CONTRIBUTING.md", "releasing.md", "more/CHANGELOG.md"));
    }

    private Navigation() {}

    private static String section(String page) {
        for (Map.Entry<String, List<String>> section : PLACES.entrySet()) {
            if (section.getValue().contains(page)) {
                return section.getKey();
            }
        }
        String folder = page.contains("/") ? page.substring(0, page.indexOf('/')) : "";
        return switch (folder) {
            case "guide" -> USERS;
            case "adr" -> "Design/Decisions";
            case "experiments" -> "Measured";
            case "more" -> "Design/Further files";
            case "notebook", "" -> REFERENCE;
            default ->
                throw new IllegalStateException("Page " + page + " is in no section of the site: docs/" + folder
                        + " is a new folder. Say in io.backpack4j.site.Navigation where its pages belong.");
        };
    }

    /**
     * The configuration.
     *
     * @param titles titles of all pages by their places
     */
    static String configuration(Map<String, String> titles, Path pages, Path site) {
        Set<String> listed = new TreeSet<>();
        PLACES.values().forEach(listed::addAll);
        listed.removeAll(titles.keySet());
        if (!listed.isEmpty()) {
            throw new IllegalStateException(
                    "io.backpack4j.site.Navigation lists pages that do not exist: " + String.join(", ", listed) + ".");
        }
        Map<String, List<String>> sections = new LinkedHashMap<>();
        PLACES.forEach((name, places) -> sections.put(name, new ArrayList<>(places)));
        titles.keySet().stream()
                .filter(page -> PLACES.values().stream().noneMatch(places -> places.contains(page)))
                .sorted(order(titles))
                .forEach(page -> sections.computeIfAbsent(section(page), name -> new ArrayList<>())
                        .add(page));
        StringBuilder navigation = new StringBuilder();
        String above = "";
        for (Map.Entry<String, List<String>> section : sections.entrySet()) {
            String[] names = section.getKey().split("/");
            if (!names[0].equals(above)) {
                navigation.append("  - %s:\n".formatted(quoted(names[0])));
                above = names[0];
            }
            if (names.length > 1) {
                navigation.append("      - %s:\n".formatted(quoted(names[1])));
            }
            String indent = "    ".repeat(names.length) + "  - ";
            section.getValue()
                    .forEach(page -> navigation
                            .append(indent)
                            .append(
                                    page.equals("index.md") || (page.endsWith("/index.md") && names.length == 1)
                                            ? page
                                            : quoted(titles.getOrDefault(page, page)) + ": " + page)
                            .append('\n'));
        }
        return """
                site_name: backpack4j
                site_description: More than the gradient in one backward pass, on the JVM
                docs_dir: %s
                site_dir: %s
                use_directory_urls: false
                theme:
                  name: material
                  font: false
                  language: en
                  icon:
                    logo: material/backburger
                  palette:
                    - media: "(prefers-color-scheme: light)"
                      scheme: default
                      primary: indigo
                      toggle: {icon: material/weather-night, name: Dark}
                    - media: "(prefers-color-scheme: dark)"
                      scheme: slate
                      primary: indigo
                      toggle: {icon: material/weather-sunny, name: Light}
                  features: [navigation.tabs, navigation.indexes, navigation.top, content.code.copy]
                plugins:
                  - search
                  - offline
                extra:
                  generator: false
                  # Search in pages that are opened as files; the default of the plugin above would come from a network.
                  polyfills: [iframe-worker.js]
                extra_css: [site.css]
                markdown_extensions:
                  - tables
                  - attr_list
                  - md_in_html
                  - sane_lists
                  - toc:
                      permalink: true
                      slugify: !!python/object/apply:pymdownx.slugs.slugify {kwds: {case: lower}}
                  - pymdownx.superfences
                  - pymdownx.highlight
                validation:
                  nav: {omitted_files: warn, not_found: warn, absolute_links: warn}
                  links: {not_found: warn, anchors: warn, absolute_links: warn, unrecognized_links: warn}
                nav:
                %s""".formatted(quoted(pages.toString()), quoted(site.toString()), navigation);
    }

    /** By title; decisions and further files by name, which has a number. */
    private static Comparator<String> order(Map<String, String> titles) {
        return Comparator.comparing((String page) -> section(page))
                .thenComparing(page -> section(page).startsWith("Design") ? page : titles.getOrDefault(page, page));
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
