/** The command {@code evaluate}: extensions for a model and data in files. */
@NullMarked
package io.backpack4j.cli.evaluate;

import org.jspecify.annotations.NullMarked;
