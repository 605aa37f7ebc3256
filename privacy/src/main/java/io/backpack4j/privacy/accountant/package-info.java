/**
 * How much privacy a run of noisy steps costs: (ε, δ) of compositions of the Poisson-subsampled Gaussian mechanism, for
 * data sets that differ by one sample added or removed.
 */
@NullMarked
package io.backpack4j.privacy.accountant;

import org.jspecify.annotations.NullMarked;
