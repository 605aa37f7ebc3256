// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.kernel.BackPack;

/** The command above all others, as those see it: it has the options that all of them take. */
public interface RootCommand {

    /** Loads the library as the options say. */
    BackPack open();

    /** The number of threads that {@link #open} passes to the backend. */
    int threads();
}
