/** The command {@code convert}. */
@NullMarked
package io.backpack4j.cli.convert;

import org.jspecify.annotations.NullMarked;
