/**
 * Extensions of second order: the curvature of the reduced loss, as diagonals, square roots and Kronecker factors.
 */
@NullMarked
package io.backpack4j.ext.secondorder;

import org.jspecify.annotations.NullMarked;
