// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.calls;

/**
 * Words for what a plugin throws. A class that is missing shows at first use, with a name that tells users nothing of
 * the jar that lacks it.
 */
public final class MissingClass {

    private static final String FAILED_BEFORE = "Could not initialize class ";

    private MissingClass() {}

    /**
     * Describes what was thrown and whose error it is, to follow a colon.
     *
     * @param location the jar of the plugin
     */
    public static String describe(Throwable thrown, String location) {
        String message = thrown.getMessage();
        if (thrown instanceof NoClassDefFoundError && message != null && !message.startsWith(FAILED_BEFORE)) {
            return "the class %s is missing. The plugin that needs it is %s: put the jar that has the class on the class path too, or replace the plugin's."
                    .formatted(message.replace('/', '.'), location);
        }
        return "%s. This is an error of the plugin that provides it, %s.".formatted(thrown, location);
    }
}
