/** The command {@code audit}: labels of a classifier's data that are probably wrong. */
@NullMarked
package io.backpack4j.cli.audit;

import org.jspecify.annotations.NullMarked;
