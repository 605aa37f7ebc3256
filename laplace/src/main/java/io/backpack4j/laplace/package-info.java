/**
 * Uncertainty of trained networks: Gaussian posteriors of their parameters around the trained ones, whose precision is
 * the curvature of the loss plus that of a Gaussian prior ({@link io.backpack4j.laplace.Laplace}), and what follows
 * from them: marginal likelihoods, distributions of outputs ({@link io.backpack4j.laplace.Predictive}), and how well
 * calibrated these are ({@link io.backpack4j.laplace.Calibration}). MacKay (1992), "A Practical Bayesian Framework for
 * Backpropagation Networks"; Daxberger et al. (2021), "Laplace Redux".
 */
@NullMarked
package io.backpack4j.laplace;

import org.jspecify.annotations.NullMarked;
