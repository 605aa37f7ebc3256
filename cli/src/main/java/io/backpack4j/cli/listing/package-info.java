/** The commands {@code plugins} and {@code backends}: what is on the class path. */
@NullMarked
package io.backpack4j.cli.listing;

import org.jspecify.annotations.NullMarked;
