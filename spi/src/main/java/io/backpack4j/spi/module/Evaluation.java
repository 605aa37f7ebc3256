// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/** A module evaluated at a batch: its output, and the way back. Belongs to one thread. */
public interface Evaluation {

    /**
     * The output, {@code [N, *out]}. May share memory with an input (see {@link
     * io.backpack4j.spi.tensor.TensorScope#view}).
     */
    Tensor output();

    /**
     * Updates the module's buffers, such as running means, as one pass does. Asked once per pass, of modules that need
     * the whole batch ({@link ModuleDeclaration#needsWholeBatch}) and have buffers; the pass takes the new numbers over
     * if it succeeds.
     *
     * @param context where temporary tensors may be allocated
     * @param buffers the module's buffers by name, in copies to be overwritten
     */
    default void updateBuffers(EvaluationContext context, Map<String, Tensor> buffers) {}

    /**
     * Starts the transposed Jacobian product with V columns at once: work that all inputs and parameters share is done
     * here.
     *
     * @param context where the results are allocated
     * @param cotangents {@code [V, N, *out]}, alive as long as the pullback
     */
    Pullback pullback(EvaluationContext context, Tensor cotangents);

    /**
     * The Jacobian product with V tangents at once: how the output changes as inputs and parameters move.
     *
     * @param context where the result is allocated
     * @param tangents at least one of them moves; alive as long as the result
     * @return {@code [V, N, *out]} in the context's scope; may share memory with a tangent
     * @throws BackpackException {@code UnsupportedModule} if the module has none
     */
    default Tensor pushforward(EvaluationContext context, Tangents tangents) {
        throw new BackpackException(CommonProblems.UNSUPPORTED_MODULE, "The module has no Jacobian product.");
    }

    /**
     * The second derivative, by inputs and parameters jointly, contracted with cotangents and tangents.
     *
     * @param context where results are allocated
     * @param cotangents g, the loss's gradient at the output, {@code [1, N, *out]}, alive as long as the result
     * @param tangents at least one of them moves; alive as long as the result
     * @throws BackpackException {@code UnsupportedModule} if the module has none
     */
    default PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        throw new BackpackException(CommonProblems.UNSUPPORTED_MODULE, "The module has no second derivative.");
    }

    /**
     * The second derivative by the inputs, contracted with the gradient of the loss: what this module adds to the
     * Hessian at its inputs.
     *
     * @param context where it is allocated
     * @param cotangents the loss's gradient at the output, {@code [1, N, *out]}
     * @return nothing if the module has none, or none that this can say
     */
    default Optional<Curvature> curvature(EvaluationContext context, Tensor cotangents) {
        return Optional.empty();
    }

    /**
     * Whether the output is affine in all parameters together, whatever the inputs are: then the Hessian by them is
     * made of what comes from above alone, and has an exact diagonal without further passes. It says nothing of the
     * inputs; {@link #curvature} does. Modules without parameters are not asked.
     *
     * @return false, as by default, also if the module does not know
     */
    default boolean isAffineInParameters() {
        return false;
    }
}
