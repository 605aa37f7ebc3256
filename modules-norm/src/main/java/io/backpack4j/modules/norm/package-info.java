/**
 * Normalisations within a sample: layer, RMS, group and instance norms.
 *
 * <p>All of them are a {@link io.backpack4j.modules.norm.NormEvaluation}: groups of neighbouring elements are shifted
 * and scaled to mean 0 and variance 1, or only scaled, and then every feature or channel is multiplied with a weight
 * and shifted by a bias. {@link io.backpack4j.modules.norm.NormPlugin} lists all types.
 */
@NullMarked
package io.backpack4j.modules.norm;

import org.jspecify.annotations.NullMarked;
