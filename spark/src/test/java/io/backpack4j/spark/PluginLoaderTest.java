// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import org.junit.jupiter.api.Test;

class PluginLoaderTest {

    private static URLClassLoader loader(ClassLoader parent, String... jars) throws IOException {
        URL[] urls = new URL[jars.length];
        for (int i = 0; i < jars.length; i++) {
            urls[i] = URI.create("file:" + jars[i]).toURL();
        }
        return new URLClassLoader(urls, parent);
    }

    @Test
    void a_loader_that_adds_nothing_is_passed_over() throws IOException {
        ClassLoader app = getClass().getClassLoader();
        try (URLClassLoader driver = loader(app, "/home/a.jar", "/home/b.jar");
                URLClassLoader empty = loader(app);
                URLClassLoader copies = loader(driver, "/tmp/spark/b.jar", "/tmp/spark/a.jar")) {
            assertThat(PluginLoader.of(empty).loader()).isSameAs(app);
            assertThat(PluginLoader.of(copies).loader()).isSameAs(driver);
            assertThat(PluginLoader.of(copies)).isEqualTo(PluginLoader.of(driver));
        }
    }

    @Test
    void jars_that_were_added_count_once() throws IOException {
        ClassLoader app = getClass().getClassLoader();
        try (URLClassLoader driver = loader(app, "/home/a.jar");
                URLClassLoader task = loader(driver, "/tmp/a.jar", "/tmp/plugin.jar");
                URLClassLoader executor = loader(app, "/tmp/a.jar", "/tmp/plugin.jar");
                URLClassLoader made = (URLClassLoader) PluginLoader.of(task).loader()) {
            assertThat(made.getURLs())
                    .containsExactly(URI.create("file:/tmp/plugin.jar").toURL());
            assertThat(made.getParent()).isSameAs(driver);
            assertThat(PluginLoader.of(executor).loader()).isSameAs(executor);
            assertThat(PluginLoader.of(task).isOtherStateOf(PluginLoader.of(driver)))
                    .isTrue();
            assertThat(PluginLoader.of(executor).isOtherStateOf(PluginLoader.of(task)))
                    .isFalse();
        }
    }
}
