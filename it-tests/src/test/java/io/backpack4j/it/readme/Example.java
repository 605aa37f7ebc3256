// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** Code of a document, compiled as it stands there. */
final class Example {

    private Example() {}

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
