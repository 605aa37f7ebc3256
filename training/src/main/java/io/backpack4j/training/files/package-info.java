/**
 * What training shares with files and command lines, on module {@code formats}: expressions, checkpoints, logs, and
 * data sets. The only package of this module that knows formats.
 */
@NullMarked
package io.backpack4j.training.files;

import org.jspecify.annotations.NullMarked;
