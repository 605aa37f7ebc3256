package io.backpack4j.spi.extension;

import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/**
 * A signal whose columns are replaced by others at the output of every node, so that their number may differ from node to node. The batch is taken
 * as a whole, with all columns at once, and the nodes on its way must be a chain.
 */
public interface CondensedSignal extends LossSignal {

    /**
     * Makes the columns that go on from a node.
     *
     * @param context where they are allocated
     * @param cotangents what has arrived at the node's output, {@code [V, N, *out]}
     * @return {@code [D, N, *out]}, D being the number of elements of {@code *out}
     */
    Tensor condense(EvaluationContext context, Tensor cotangents);
}
