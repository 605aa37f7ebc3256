/** The command {@code train}: trains a network and writes the folder of its run. */
@NullMarked
package io.backpack4j.cli.train;

import org.jspecify.annotations.NullMarked;
