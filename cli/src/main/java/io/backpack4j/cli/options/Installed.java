// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.BackendInfo;
import io.backpack4j.kernel.Catalog;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Names that plugins on the class path provide, for completion. Plugins are looked for when the first name is asked
 * for, so that parsing a command line costs nothing, and once, since many options of many commands take the same names.
 */
public final class Installed {

    private static @Nullable Installed found;

    private final List<String> extensions;
    private final List<String> backends;

    private Installed(Catalog catalog) {
        extensions = List.copyOf(catalog.extensionTypes());
        backends = catalog.backends().stream().map(BackendInfo::id).toList();
    }

    private static synchronized Installed find() {
        Installed known = found;
        if (known == null) {
            try (BackPack backpack = BackPack.builder().build()) {
                known = new Installed(backpack.catalog());
            }
            found = known;
        }
        return known;
    }

    /** The extensions. */
    public static final class Extensions implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            return find().extensions.iterator();
        }
    }

    /** The backends, whether they can run here or not. */
    static final class Backends implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            return find().backends.iterator();
        }
    }
}
