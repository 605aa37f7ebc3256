/** A chunk's evaluated nodes and the numbers that they are evaluated with, which passes and linearisations share. */
@NullMarked
package io.backpack4j.kernel.internal.evaluation;

import org.jspecify.annotations.NullMarked;
