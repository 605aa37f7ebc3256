// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import io.backpack4j.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What a command did.
 *
 * @param code the exit code
 * @param out what it wrote to standard output, with line feeds
 * @param err what it wrote to standard error, with line feeds
 */
record Run(int code, String out, String err) {

    private static final int MINUTES = 2;

    /** Runs a command in this JVM. */
    static Run of(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
        return new Run(code, normalized(out.toString()), normalized(err.toString()));
    }

    /** Runs a command in a JVM of its own, with this one's class path and system properties of the library. */
    static Run ofProcess(Path directory, String... arguments) {
        return ofProcess(Main.class, directory, arguments);
    }

    /** Runs a main class as a command. */
    static Run ofProcess(Class<?> main, Path directory, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Path out = directory.resolve("stdout.txt");
        Path err = directory.resolve("stderr.txt");
        try {
            Process process = new ProcessBuilder(command)
                    .directory(directory.toFile())
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile())
                    .start();
            if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IllegalStateException("It did not end: " + command);
            }
            return new Run(process.exitValue(), read(out), read(err));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static List<String> flags() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> flag.startsWith("-Dorg.bytedeco.")
                        || flag.startsWith("-Dguice_")
                        || flag.startsWith("--enable-native-access")
                        || flag.startsWith("--sun-misc-unsafe-memory-access"))
                .toList();
    }

    private static String read(Path file) throws IOException {
        return normalized(Files.readString(file, StandardCharsets.UTF_8));
    }

    private static String normalized(String text) {
        return text.replace("\r\n", "\n");
    }
}
