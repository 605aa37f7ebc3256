/** The command {@code bench}: how long passes take, and how much memory. */
@NullMarked
package io.backpack4j.cli.bench;

import org.jspecify.annotations.NullMarked;
