// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A contraction to be computed, and where it goes.
 *
 * @param contraction what to compute
 * @param destinations tensors of the contraction's shapes
 * @param operand the weights or vectors of the contraction, if it has any; {@code [V, N]} weights for {@link
 *     Contraction.SumOfSquares}, {@link Contraction.SumOfSquaresPerSample} and {@link Contraction.Trace}; for a
 *     contraction with {@link Contraction#ofBatch} the whole batch's result of that, or null if the task's samples are
 *     the whole batch
 * @param accumulate whether sums over samples or columns are added to what the destinations hold. Results with one
 *     entry per column and sample ({@link Contraction.PerSample}, {@link Contraction.SquaredNorms}, {@link
 *     Contraction.InnerProducts}, {@link Contraction.MappedInnerProducts}, {@link Contraction.Dot}, {@link
 *     Contraction.DotWithSum}), moments and extremes always overwrite
 * @param factor what the loss's reduction multiplied every gradient by, for contractions that {@link
 *     Contraction#looksAtUnscaled look} at unscaled ones
 * @param values the parameter's values {@code *p}, for contractions that {@link Contraction#takesValues take} them
 */
public record ContractionTask(
        Contraction contraction,
        List<Tensor> destinations,
        @Nullable Tensor operand,
        boolean accumulate,
        double factor,
        @Nullable Tensor values) {

    public ContractionTask {
        destinations = List.copyOf(destinations);
    }

    /** A task of gradients that nothing was multiplied into, and without the parameter's values. */
    public ContractionTask(
            Contraction contraction, List<Tensor> destinations, @Nullable Tensor operand, boolean accumulate) {
        this(contraction, destinations, operand, accumulate, 1, null);
    }

    /** The parameter's values, for a contraction that takes them. */
    public Tensor requiredValues() {
        if (values == null) {
            throw new IllegalStateException(contraction + " needs the parameter's values");
        }
        return values;
    }

    /** The first, mostly the only, destination. */
    public Tensor destination() {
        return destinations.get(0);
    }

    /** The operand of a contraction that has one. */
    public Tensor requiredOperand() {
        if (operand == null) {
            throw new IllegalStateException(contraction + " needs an operand");
        }
        return operand;
    }
}
