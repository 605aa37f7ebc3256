// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/**
 * A signal whose columns are replaced by others on their way, so that their number may differ from node to node. The
 * batch is taken as a whole, with all columns at once, and the nodes on its way must be a chain.
 *
 * <p>They are replaced once in front of every node at which samples matter, wherever that is cheapest since the last of
 * them, and not below the last. Samples matter at a node whose module does not {@linkplain
 * io.backpack4j.spi.module.ModuleDeclaration#sharesJacobian() share its Jacobian}, and at one with a parameter of which
 * something is wanted that Σ_vn q_vn q_vnᵀ does not determine.
 */
@Experimental
public interface CondensedSignal extends LossSignal {

    /**
     * Makes the columns that go on from a node. They have the same Σ_vn q_vn q_vnᵀ as those that have arrived, and each
     * is the same for all samples.
     *
     * @param context where they are allocated
     * @param cotangents what has arrived at the node's output, {@code [V, N, *out]}
     * @return {@code [D, N, *out]}, D being the number of elements of {@code *out}
     */
    Tensor condense(EvaluationContext context, Tensor cotangents);
}
