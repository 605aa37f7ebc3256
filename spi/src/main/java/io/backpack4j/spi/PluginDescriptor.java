// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.util.regex.Pattern;

/**
 * Identifies a plugin.
 *
 * @param id lower-case letters, digits and hyphens, 2 to 64 characters, starting with a letter; unique on a class path
 * @param version the plugin's own version, for reports
 * @param compiledAgainst pass {@link SpiVersion#MAJOR}: the compiler inlines it
 */
public record PluginDescriptor(String id, String version, int compiledAgainst) {

    private static final Pattern ID = Pattern.compile("[a-z][a-z0-9-]{1,63}");

    public PluginDescriptor {
        if (!ID.matcher(id).matches()) {
            throw new BackpackException(
                    CommonProblems.INVALID_PLUGIN_ID,
                    "Plugin id '%s' is not valid. Use 2 to 64 lower-case letters, digits and hyphens, starting with a letter."
                            .formatted(id));
        }
    }
}
