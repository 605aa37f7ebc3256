// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.tensor.Tensor;
import java.util.SortedMap;

/**
 * Results of a pass. They own their tensors and outlive the pass; close them when done.
 *
 * <pre>{@code
 * try (Results results = backpack.compute(model, batch, variance)) {
 *     double loss = results.loss();
 *     double[] gradient = results.gradient("0.weight").toDoubleArray();
 *     double[] ofWeight = results.get(variance, "0.weight").toDoubleArray();
 * }
 * }</pre>
 */
public interface Results extends AutoCloseable {

    /** The reduced loss. */
    double loss();

    /**
     * The network's output, {@code [N, *out]}.
     *
     * @throws BackpackException if it was not kept, as by default in a {@link Session}
     */
    Tensor output();

    /**
     * The unreduced losses, {@code [N]}: the loss is their sum times the loss's factor.
     *
     * @throws BackpackException if a {@link Session} did not keep them
     */
    Tensor lossPerSample();

    /** The gradient of the reduced loss with respect to a parameter, {@code *p}. */
    Tensor gradient(String parameter);

    /**
     * The result of an extension for a parameter.
     *
     * @throws BackpackException if it was not asked for
     */
    <R> R get(Extension<R> extension, String parameter);

    /**
     * The result of an extension for the whole network; its tensors stand under <code>*&#47;name</code> in
     * {@link #tensors}.
     *
     * @throws BackpackException if it was not asked for
     */
    <W> W network(NetworkExtension<?, W> extension);

    /** Everything under the names of result files, such as {@code 0.weight/grad_batch}. */
    SortedMap<String, Tensor> tensors();

    /**
     * {@link BatchStatistics#CONSTANT} if some node's statistics of the batch were taken as constants: gradients are
     * not those of the loss then.
     */
    BatchStatistics statistics();

    /**
     * Products of vectors with blocks of curvature matrices, under the names that their results have in result files,
     * such as {@code 0.weight/ggnmp}. They live as long as these results.
     */
    SortedMap<String, BlockProduct> products();

    /** Returns the memory. */
    @Override
    void close();
}
