/**
 * Optimisers of second order. {@link io.backpack4j.training.curvature.PreconditionedGradient} and {@link
 * io.backpack4j.training.curvature.KFAC} divide gradients by blocks of a curvature matrix that come with the gradient's
 * own pass, from any {@link io.backpack4j.spi.extension.CurvatureExtension}; {@link
 * io.backpack4j.training.curvature.DirectionalDampedNewton} adds a step that an extension made; {@link
 * io.backpack4j.training.curvature.NewtonCG} solves with products alone.
 */
@NullMarked
package io.backpack4j.training.curvature;

import org.jspecify.annotations.NullMarked;
