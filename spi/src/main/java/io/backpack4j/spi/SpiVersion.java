// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

/** The version of these contracts. */
public final class SpiVersion {

    /**
     * The major version. A constant expression on purpose: the compiler inlines it into a plugin's class file, so that
     * a plugin's descriptor records the version that the plugin was compiled against, not the one it runs with.
     */
    public static final int MAJOR = 1;

    private SpiVersion() {}
}
