/**
 * The files that users and other programs exchange with this library: models, data and results, and how extensions are
 * written on a command line.
 *
 * <p>Readers check everything before they use it and report what is wrong as {@link
 * io.backpack4j.spi.BackpackException}; files that a writer replaces are replaced as a whole or not at all.
 */
@NullMarked
package io.backpack4j.formats;

import org.jspecify.annotations.NullMarked;
