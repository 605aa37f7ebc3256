// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * An extension whose results are blocks of a curvature matrix. Whoever preconditions gradients with it needs to know
 * nothing else of it.
 *
 * @param <R> the result per parameter
 */
public interface CurvatureExtension<R> extends Extension<R> {

    /**
     * A block of the tensors of a result, as {@link #export} names them, or of those of {@link CurvatureBlock#tensors},
     * as a checkpoint keeps them.
     *
     * @param tensors stay the caller's
     */
    CurvatureBlock blockOf(Site site, Map<String, Tensor> tensors);

    /**
     * The parameter of a block.
     *
     * @param backend whose tensors they are
     * @param parameter its full name
     * @param shape its shape, {@code *p}
     * @param kronecker the sizes of its Kronecker factors, if it has an input side
     */
    record Site(Backend backend, String parameter, Shape shape, Optional<KroneckerSizes> kronecker) {}
}
