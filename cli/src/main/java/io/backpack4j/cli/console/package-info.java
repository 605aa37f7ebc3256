/** What commands print: tables, numbers, the progress of long work. */
@NullMarked
package io.backpack4j.cli.console;

import org.jspecify.annotations.NullMarked;
