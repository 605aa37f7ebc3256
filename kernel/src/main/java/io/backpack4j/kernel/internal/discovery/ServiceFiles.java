// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import io.backpack4j.kernel.internal.calls.CodeLocation;
import io.backpack4j.spi.Plugin;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Which jars list which plugins: what ServiceLoader does not tell. */
final class ServiceFiles {

    static final String NAME = "META-INF/services/" + Plugin.class.getName();

    private final Map<String, SortedSet<String>> jars = new TreeMap<>();

    /** Reads all services files that a loader sees; what cannot be read is ServiceLoader's to report. */
    static ServiceFiles read(ClassLoader loader) {
        ServiceFiles files = new ServiceFiles();
        try {
            for (URL url : Collections.list(loader.getResources(NAME))) {
                files.add(url);
            }
        } catch (IOException e) {
            files.jars.clear();
        }
        return files;
    }

    private void add(URL url) throws IOException {
        String jar = location(url.toString());
        URLConnection connection = url.openConnection();
        // A cached jar would stay open as long as the JVM runs.
        connection.setUseCaches(false);
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                String name = className(line);
                if (!name.isEmpty()) {
                    jars.computeIfAbsent(name, absent -> new TreeSet<>()).add(jar);
                }
            }
        }
    }

    /** The class that a line names, empty if none. */
    static String className(String line) {
        return line.replaceFirst("#.*", "").strip();
    }

    private static String location(String url) {
        String root = url.endsWith(NAME) ? url.substring(0, url.length() - NAME.length()) : url;
        boolean inJar = root.startsWith("jar:") && root.endsWith("!/");
        return CodeLocation.path(inJar ? root.substring("jar:".length(), root.length() - "!/".length()) : root);
    }

    /** The plugins that several jars list, with these jars. */
    Map<String, SortedSet<String>> repeated() {
        Map<String, SortedSet<String>> repeated = new TreeMap<>(jars);
        repeated.values().removeIf(each -> each.size() == 1);
        return repeated;
    }

    /** Says where the plugin is listed that a message names: {@code  Its name is in a.jar.}, or nothing. */
    String origin(String message) {
        for (Map.Entry<String, SortedSet<String>> entry : jars.entrySet()) {
            if ((message + " ").contains(" " + entry.getKey() + " ")) {
                return " Its name is in " + String.join(", ", entry.getValue()) + ".";
            }
        }
        return "";
    }
}
