/**
 * The command line. {@link io.backpack4j.cli.Main} has the commands; everything they compute comes from the kernel's
 * public API, and everything they read or write from {@link io.backpack4j.formats}.
 */
@NullMarked
package io.backpack4j.cli;

import org.jspecify.annotations.NullMarked;
