/**
 * The command line as its users see it: every command, on files; and what it says about input that is wrong.
 */
@NullMarked
package io.backpack4j.it.commandline;

import org.jspecify.annotations.NullMarked;
