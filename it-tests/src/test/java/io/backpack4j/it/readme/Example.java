// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** Code of a document, compiled as it stands there. */
final class Example {

    private static final Pattern EXAMPLE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private Example() {}

    /**
     * Compiles the first example of a guide, runs its {@code main}, and returns what it prints.
     *
     * @param folder for the compiled class
     * @param guide its file in {@code docs/guide}
     * @param name the class's
     */
    static String printed(Path folder, String guide, String name) throws IOException, ReflectiveOperationException {
        Class<?> compiled = compiled(folder, guide, name);
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            compiled.getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /**
     * Compiles the first example of a guide and loads it.
     *
     * @param folder for the compiled class
     * @param guide its file in {@code docs/guide}
     * @param name the class's
     */
    static Class<?> compiled(Path folder, String guide, String name) throws IOException, ClassNotFoundException {
        Matcher example = EXAMPLE.matcher(Files.readString(Path.of("..", "docs", "guide", guide)));
        assertThat(example.find()).as("the guide has a Java example").isTrue();
        return compile(folder, name, example.group(1));
    }

    /** Compiles a class named Example in a folder and loads it. */
    static Class<?> compile(Path folder, String source) throws IOException, ClassNotFoundException {
        return compile(folder, "Example", source);
    }

    /** Compiles a class of the default package in a folder and loads it. */
    static Class<?> compile(Path folder, String name, String source) throws IOException, ClassNotFoundException {
        Path file = folder.resolve(name + ".java");
        Files.writeString(file, source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (var files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
            List<String> options =
                    List.of("-proc:none", "-d", folder.toString(), "-cp", System.getProperty("java.class.path"));
            boolean done = compiler.getTask(messages, files, null, options, null, files.getJavaFileObjects(file))
                    .call();
            assertThat(done).as(messages.toString()).isTrue();
        }
        URL[] folders = {folder.toUri().toURL()};
        return new URLClassLoader(folders, Example.class.getClassLoader()).loadClass(name);
    }
}
