// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.CurvatureMatrix.Projection;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/**
 * A symmetric block B of a curvature matrix, that of one parameter, in whatever form is cheap. Refers to tensors that
 * it does not own. Vectors are {@code [K, *p]}, any K, {@code *p} being the parameter's shape. Used by one thread at a
 * time.
 */
public interface CurvatureBlock {

    /** The parameter's shape, {@code *p}. */
    Shape parameter();

    /** What it is made of: {@link CurvatureExtension#blockOf} makes an equal block of it. */
    Map<String, Tensor> tensors();

    /**
     * B · vectors.
     *
     * @param target owns the result
     * @param vectors {@code [K, *p]}
     */
    Tensor multiply(TensorScope target, Tensor vectors);

    /**
     * (B + λI)⁻¹, or what stands for it in this form: Kronecker factors share the damping. It can be multiplied with,
     * often.
     *
     * @param target owns the tensors of the result
     * @param damping λ, at least 0
     * @throws BackpackException {@code NotPositiveDefinite} if the damped block is not positive definite
     */
    CurvatureBlock dampedInverse(TensorScope target, double damping);

    /**
     * (B + λI)⁻¹ · vectors, as {@link #dampedInverse} has it.
     *
     * @param target owns the result
     * @param vectors {@code [K, *p]}
     */
    Tensor solve(TensorScope target, Tensor vectors, double damping);

    /** A block with tensors of its own, in {@code target}. */
    CurvatureBlock copy(TensorScope target);

    /**
     * Becomes an average: each tensor t becomes keep · t + (1 − keep) · (that of the other). Only of a {@link #copy},
     * since results are shared.
     *
     * @param keep from 0 to 1
     * @param other a block of the same form and parameter
     */
    void average(double keep, CurvatureBlock other);

    /**
     * The block without negative eigenvalues. The default is that of blocks which never have any: the block itself.
     *
     * @param target owns what is computed
     */
    default CurvatureBlock project(TensorScope target, Projection projection) {
        return this;
    }
}
