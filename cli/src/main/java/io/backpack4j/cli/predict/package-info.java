/** The command {@code predict}: the output of a model for inputs in a file. */
@NullMarked
package io.backpack4j.cli.predict;

import org.jspecify.annotations.NullMarked;
