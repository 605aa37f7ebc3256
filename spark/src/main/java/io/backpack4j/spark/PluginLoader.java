// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * The loader in which plugins are looked for. Spark gives tasks one of their own, which may hold nothing, the jars that
 * its parent holds, too (in local mode, copies of them), or jars that were added.
 *
 * @param base a loader
 * @param jars those of it that count
 * @param apart whether these are fewer than it has, so that they need a loader of their own below {@code base}
 */
record PluginLoader(ClassLoader base, List<String> jars, boolean apart) {

    private static final String WRAPPER = "org.apache.spark.executor.ExecutorClassLoader";

    /** Loader of the calling thread. */
    static PluginLoader ofThisThread() {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        return of(loader == null ? Objects.requireNonNull(PluginLoader.class.getClassLoader()) : loader);
    }

    /** Finds the loader that has everything once. */
    static PluginLoader of(ClassLoader given) {
        if (given.getClass().getName().equals(WRAPPER)) {
            return of(wrapped(given));
        }
        if (!(given instanceof URLClassLoader urls) || urls.getParent() == null) {
            return new PluginLoader(given, List.of(), false);
        }
        Set<String> above = names(urls.getParent());
        List<String> added = Arrays.stream(urls.getURLs())
                .filter(url -> !above.contains(name(url)))
                .map(URL::toString)
                .toList();
        if (added.isEmpty()) {
            return of(urls.getParent());
        }
        boolean apart = added.size() < urls.getURLs().length;
        return new PluginLoader(apart ? urls.getParent() : urls, added, apart);
    }

    /** The loader around which Spark puts one for classes of its shell; it has no parent that the JDK knows of. */
    private static ClassLoader wrapped(ClassLoader wrapper) {
        try {
            ClassLoader inside =
                    (ClassLoader) wrapper.getClass().getMethod("parentLoader").invoke(wrapper);
            return Objects.requireNonNull(inside.getParent());
        } catch (ReflectiveOperationException e) {
            return Objects.requireNonNull(PluginLoader.class.getClassLoader());
        }
    }

    private static Set<String> names(ClassLoader from) {
        Set<String> names = new HashSet<>();
        for (ClassLoader loader = from; loader != null; loader = loader.getParent()) {
            if (loader instanceof URLClassLoader urls) {
                Arrays.stream(urls.getURLs()).map(PluginLoader::name).forEach(names::add);
            }
        }
        return names;
    }

    /** A jar's file name: copies keep it. */
    private static String name(URL url) {
        String path = url.getPath();
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** Whether the other one is of the same loader, before or after jars were added. */
    boolean isOtherStateOf(PluginLoader other) {
        return base == other.base && !jars.equals(other.jars);
    }

    /** The loader. */
    ClassLoader loader() {
        if (!apart) {
            return base;
        }
        URL[] urls = jars.stream().map(PluginLoader::url).toArray(URL[]::new);
        return new URLClassLoader(urls, base);
    }

    private static URL url(String text) {
        try {
            return java.net.URI.create(text).toURL();
        } catch (java.net.MalformedURLException e) {
            throw new IllegalArgumentException(text, e);
        }
    }
}
