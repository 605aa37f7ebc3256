// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads which quantities a cockpit shows, by the names that Cockpit has for such sets. */
public final class CockpitConfigurations implements ITypeConverter<String>, Iterable<String> {

    private static final List<String> NAMES = List.of("economy", "business", "full");

    @Override
    public String convert(String text) {
        if (!NAMES.contains(text)) {
            throw new TypeConversionException("'" + text + "' is not one of " + String.join(", ", NAMES));
        }
        return text;
    }

    @Override
    public Iterator<String> iterator() {
        return NAMES.iterator();
    }
}
