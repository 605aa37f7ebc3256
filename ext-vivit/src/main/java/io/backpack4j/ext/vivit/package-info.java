/**
 * Low-rank curvature: eigenvalues, eigenvectors, directional derivatives and damped Newton steps of the generalised
 * Gauss-Newton matrix (GGN), from the Gram matrix of its root, without the matrix. Dangel, Tatzel, Hennig (2022),
 * "ViViT: Curvature Access Through The Generalized Gauss-Newton's Low-Rank Structure".
 *
 * <p>Start at {@link io.backpack4j.ext.vivit.GgnEigenvectors}. V being {@code [D, C·N]} with V Vᵀ the GGN of a group of
 * parameters, the {@code C·N} numbers of VᵀV's eigenvectors ẽ_k make the eigenvectors e_k = V ẽ_k / √λ_k: they travel
 * back through the network as one combination of the root's columns each. V itself is never made.
 */
@NullMarked
package io.backpack4j.ext.vivit;

import org.jspecify.annotations.NullMarked;
