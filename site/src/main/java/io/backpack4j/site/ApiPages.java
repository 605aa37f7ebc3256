// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Writes the Javadoc of all modules together, by the tool of the JDK that runs this. */
public final class ApiPages {

    /** Modules whose packages nobody programs against. */
    private static final List<String> NO_API = List.of("cli", "site", "it-tests");

    private ApiPages() {}

    /**
     * Writes the pages.
     *
     * @param arguments the repository's folder, and the folder for the pages
     */
    public static void main(String[] arguments) throws IOException {
        List<Path> sources = sources(Path.of(arguments[0]));
        Path pages = Path.of(arguments[1]);
        Folders.empty(pages);
        List<String> options = List.of(
                "-quiet",
                "-notimestamp",
                "-encoding",
                "UTF-8",
                "-Xdoclint:all,-missing",
                // DJL and Spark, whose jars are not here: types of theirs stand without links.
                "--ignore-source-errors",
                "-doctitle",
                "backpack4j",
                "-windowtitle",
                "backpack4j",
                "-d",
                pages.toString(),
                "-classpath",
                System.getProperty("java.class.path"),
                "-sourcepath",
                sources.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)),
                "-subpackages",
                "io.backpack4j",
                "-exclude",
                String.join(":", internals(sources)));
        int code = ToolProvider.findFirst("javadoc")
                .orElseThrow(() -> new IllegalStateException("This JDK has no javadoc."))
                .run(System.out, System.err, options.toArray(String[]::new));
        if (code != 0) {
            throw new IllegalStateException("javadoc failed with code " + code + ".");
        }
    }

    private static List<Path> sources(Path root) throws IOException {
        try (Stream<Path> modules = Files.list(root)) {
            return modules.filter(module -> Files.exists(module.resolve("pom.xml"))
                            && !NO_API.contains(String.valueOf(module.getFileName())))
                    .map(module -> module.resolve("src/main/java"))
                    .filter(Files::isDirectory)
                    .sorted()
                    .toList();
        }
    }

    /** Packages called {@code internal}, and with them what is below. */
    private static List<String> internals(List<Path> sources) throws IOException {
        List<String> found = new ArrayList<>();
        for (Path source : sources) {
            try (Stream<Path> walked = Files.walk(source)) {
                walked.filter(folder -> folder.endsWith("internal"))
                        .forEach(folder ->
                                found.add(source.relativize(folder).toString().replace(File.separatorChar, '.')));
            }
        }
        return found;
    }
}
