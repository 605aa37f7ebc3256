/**
 * Linear layers, activations, and modules that join, cut and reshape.
 *
 * <p>Start at {@link io.backpack4j.modules.linear.Linear}, the one module with parameters, and
 * {@link io.backpack4j.modules.linear.LinearPlugin}, which lists all. Every module is a record with PyTorch's
 * arguments; shapes in comments begin with the batch axis N.
 */
@NullMarked
package io.backpack4j.modules.linear;

import org.jspecify.annotations.NullMarked;
