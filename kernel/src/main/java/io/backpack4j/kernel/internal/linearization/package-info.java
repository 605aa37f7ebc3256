/**
 * Products with Jacobians and curvature matrices of whole networks: tangents are pushed forward through the nodes,
 * multiplied at the loss, and pulled back.
 */
@NullMarked
package io.backpack4j.kernel.internal.linearization;

import org.jspecify.annotations.NullMarked;
