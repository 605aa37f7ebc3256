/**
 * The plan's nouns: what a pass has to do, worked out once. A plan builds a layout; passes, sessions and linearisations
 * only read it.
 */
@NullMarked
package io.backpack4j.kernel.internal.layout;

import org.jspecify.annotations.NullMarked;
