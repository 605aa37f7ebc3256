// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import io.backpack4j.gallery.Gallery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs the gallery's programs and makes a page of each: what it says of itself, its pictures, its output, its code. */
final class GalleryPages {

    private static final Path SOURCES = Path.of("site/src/main/java/io/backpack4j/gallery");
    private static final Pattern COMMENT =
            Pattern.compile("/\\*\\*\n((?:(?!/\\*\\*).)*?) \\*/\npublic final class", Pattern.DOTALL);

    private final Path root;
    private final Path folder;

    GalleryPages(Path root, Path folder) {
        this.root = root;
        this.folder = folder;
    }

    /** What a program's comment says: a title, and a text in Markdown. */
    record About(String title, String text) {

        static About of(String source, String name) {
            Matcher comment = COMMENT.matcher(source);
            if (!comment.find()) {
                throw new IllegalStateException("The gallery's " + name + " has no comment that says what it shows.");
            }
            String plain = comment.group(1)
                    .replaceAll("(?m)^ \\* ?", "")
                    .replaceAll("\\{@code ([^}]*)}", "`$1`")
                    .strip();
            String[] parts = plain.split("<p>", 2);
            String title = parts[0].strip().replace('\n', ' ').replaceAll("\\.$", "");
            return new About(title, parts.length > 1 ? parts[1].strip() : "");
        }
    }

    /** Writes all pages; returns their titles by their place on the site, in the gallery's order. */
    Map<String, String> write() throws IOException, ReflectiveOperationException {
        Files.createDirectories(folder);
        Map<String, String> titles = new LinkedHashMap<>();
        StringBuilder index = new StringBuilder("""
                # Gallery

                Programs that run as they stand here; the build ran them and put their output beside them. They are in
                `site/src/main/java/io/backpack4j/gallery`, with two helpers, [`Digits`](helpers.md#digits) and
                [`Picture`](helpers.md#picture).
                """);
        for (Gallery.Room room : Gallery.ROOMS) {
            index.append("\n## ").append(room.title()).append("\n\n");
            for (Class<?> program : room.programs()) {
                String source = source(program.getSimpleName());
                About about = About.of(source, program.getSimpleName());
                String name = fileName(program);
                Files.writeString(folder.resolve(name), page(program, about, source));
                titles.put("gallery/" + name, about.title());
                index.append("- [%s](%s): `%s`\n".formatted(about.title(), name, program.getSimpleName()));
            }
        }
        Files.writeString(folder.resolve("index.md"), index);
        titles.put("gallery/index.md", "Gallery");
        Files.writeString(
                folder.resolve("helpers.md"),
                "# Helpers of the gallery\n\n## Digits\n\n" + java(source("Digits")) + "\n## Picture\n\n"
                        + java(source("Picture")));
        titles.put("gallery/helpers.md", "Helpers of the gallery");
        return titles;
    }

    private String page(Class<?> program, About about, String source) throws IOException, ReflectiveOperationException {
        List<Path> before = Folders.files(folder);
        String output = Gallery.run(program, folder);
        StringBuilder page = new StringBuilder("# %s\n\n%s\n".formatted(about.title(), about.text()));
        for (Path made : Folders.files(folder)) {
            if (!before.contains(made)) {
                String name = made.getFileName().toString();
                page.append(
                        name.endsWith(".svg")
                                ? "\n![What the program draws](%s)\n".formatted(name)
                                : "\n<a href=\"%s\">%s</a>, as the program wrote it.\n".formatted(name, name));
            }
        }
        page.append("\n## Output\n\n```text\n").append(output.stripTrailing()).append("\n```\n\n## Program\n\n");
        return page.append(java(source)).toString();
    }

    private String source(String name) throws IOException {
        return Files.readString(root.resolve(SOURCES).resolve(name + ".java")).replace("\r\n", "\n");
    }

    /** A source without its licence, and without the comment that the page shows as text. */
    private static String java(String source) {
        String code = source.substring(source.indexOf("package "));
        return "```java\n" + COMMENT.matcher(code).replaceFirst("public final class") + "```\n";
    }

    /** The pages of a room's programs, in its order. */
    static List<String> pages(Gallery.Room room) {
        return room.programs().stream()
                .map(program -> "gallery/" + fileName(program))
                .toList();
    }

    private static String fileName(Class<?> program) {
        return program.getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", "-").toLowerCase(Locale.ROOT) + ".md";
    }
}
