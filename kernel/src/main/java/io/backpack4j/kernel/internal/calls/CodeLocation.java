// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.calls;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.security.CodeSource;

/** Location of code, for messages. */
public final class CodeLocation {

    private CodeLocation() {}

    /** The jar or directory of a class. */
    public static String of(Class<?> type) {
        CodeSource source = type.getProtectionDomain().getCodeSource();
        if (source == null || source.getLocation() == null) {
            return "unknown location";
        }
        return path(source.getLocation().toString());
    }

    /** The path that the URL of a jar or directory means, or the URL itself. */
    public static String path(String url) {
        try {
            return Path.of(new URI(url)).toString();
        } catch (URISyntaxException | IllegalArgumentException | FileSystemNotFoundException e) {
            return url;
        }
    }
}
