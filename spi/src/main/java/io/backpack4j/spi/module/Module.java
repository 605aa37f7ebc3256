package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * A layer: an immutable description, best a record, checked on construction, that knows how to evaluate itself and its Jacobians. It holds
 * no numbers; parameters come with every call. Equal modules behave alike.
 */
public interface Module {

    /** The type's name in model files and messages. */
    default String type() {
        return getClass().getSimpleName();
    }

    /**
     * Says what comes out and what is needed, given the shapes of one sample's inputs.
     *
     * @throws BackpackException if the inputs do not fit; the kernel adds the node's name
     */
    ModuleDeclaration declare(List<Shape> inputs);

    /** Whether the given input holds integers, as an embedding's does. No cotangents travel there. */
    default boolean takesIntegers(int input) {
        return false;
    }

    /**
     * Computes the output and keeps what the way back needs.
     *
     * @param context where the output is allocated; its scope lives until the evaluation is no longer needed
     * @param inputs each {@code [N, *in]}; kept alive afterwards only if the declaration retains them
     * @param parameters parameters and buffers by name
     */
    Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters);
}
