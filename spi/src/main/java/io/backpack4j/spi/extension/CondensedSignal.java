package io.backpack4j.spi.extension;

import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.Tensor;

/**
 * A signal whose columns are replaced by others on their way, so that their number may differ from node to node. The batch is taken as a whole, with all
 * columns at once, and the nodes on its way must be a chain.
 *
 * <p>The columns are replaced at most once between two nodes at which samples matter: those whose module does not
 * {@linkplain io.backpack4j.spi.module.ModuleDeclaration#sharesJacobian share its Jacobian}, and those of whose parameters something else than a sum over
 * samples is wanted that comes from Σ_vn q_vn q_vnᵀ. So results must not depend on where it is done between them: condensing must keep this sum.
 */
public interface CondensedSignal extends LossSignal {

    /**
     * Makes the columns that go on from a node. They have the same Σ_vn q_vn q_vnᵀ as those that have arrived, and each is the same for all samples.
     *
     * @param context where they are allocated
     * @param cotangents what has arrived at the node's output, {@code [V, N, *out]}
     * @return {@code [D, N, *out]}, D being the number of elements of {@code *out}
     */
    Tensor condense(EvaluationContext context, Tensor cotangents);
}
