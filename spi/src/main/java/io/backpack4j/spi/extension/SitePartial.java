// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * What was accumulated for one extension at one parameter. Tensors are shared with other extensions that asked for the
 * same: read them.
 */
public interface SitePartial {

    /** The parameter's full name. */
    String parameter();

    /** The parameter's shape. */
    Shape shape();

    /** The sizes of the parameter's Kronecker factors, if it has an input side. */
    default Optional<KroneckerSizes> kronecker() {
        return Optional.empty();
    }

    /** The number of samples. */
    long samples();

    /** The factor c of the loss's reduction, from the whole batch. */
    double normaliser();

    /** Whether the extension declared a partial result at this parameter. */
    default boolean has(String key) {
        throw new BackpackException(
                CommonProblems.UNSUPPORTED, "These partial results do not say whether '%s' is one.".formatted(key));
    }

    /** A partial result, in full. */
    Tensor tensor(String key);

    /** A partial result that is a sum over samples, divided by their number. A pass may have made it at once. */
    default Tensor mean(String key) {
        Tensor sum = tensor(key);
        Tensor mean = scope().allocate(sum.shape(), sum.dtype());
        backend().elementwise().affine(sum, 1.0 / Math.max(1, samples()), 0, mean);
        return mean;
    }

    /** The number of terms behind {@link MergeRule#MOMENTS}: samples times columns. */
    long count(String key);

    /** The sum of a partial result with {@link MergeRule#MOMENTS}. */
    Tensor sum(String key);

    /** The centred squares Σ (· − mean)² of a partial result with {@link MergeRule#MOMENTS}. */
    Tensor centredSquares(String key);

    /** Products that were asked for with {@link SiteDeclaration#product}. */
    BlockProduct product(String key);

    /** A folded tensor of the network, from an earlier stage. */
    Tensor folded(String name);

    /**
     * An operand that the run brought, of this parameter or of the network: see {@link SiteDeclaration#operand}. Read
     * it.
     */
    default Tensor operand(String name) {
        throw new BackpackException(CommonProblems.UNKNOWN_OPERAND, "The run brought no operand '%s'.".formatted(name));
    }

    /** The arithmetic. */
    Backend backend();

    /** Where results are allocated. */
    TensorScope scope();
}
