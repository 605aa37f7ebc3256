// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A layer: an immutable description, best a record, checked on construction, that knows how to evaluate itself and its
 * Jacobians. It holds no numbers; parameters come with every call. Equal modules behave alike.
 *
 * <pre>{@code
 * ModuleDeclaration declaration = module.declare(List.of(Shape.of(3)));
 * Evaluation evaluation = module.evaluate(context, List.of(input), Map.of("weight", weight));
 * Pullback pullback = evaluation.pullback(context, cotangents);
 * Tensor ofInput = pullback.input(0);
 * ParameterDerivatives ofWeight = pullback.parameter("weight");
 * }</pre>
 */
public interface Module {

    /** The type's name in model files and messages. */
    default String type() {
        return getClass().getSimpleName();
    }

    /**
     * The arguments from which the {@link ModuleProvider} of this type makes an equal module, by their names in a model
     * file: numbers, flags, words, lists of such, or null. By default the components of the record, see {@link
     * RecordArguments}.
     *
     * @throws BackpackException {@code [NotWritable]} if they are not known
     */
    default Map<String, @Nullable Object> arguments() {
        return RecordArguments.of(this, type());
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

    /** The same where it depends on how many inputs there are, as it does for lengths that come last. */
    default boolean takesIntegers(int input, int inputs) {
        return takesIntegers(input);
    }

    /**
     * Whether the given input may hold numbers of any type, because only its shape matters. Of integers no cotangents
     * are asked for.
     */
    default boolean takesAnyType(int input) {
        return false;
    }

    /**
     * Whether parameters act on what they made themselves, as those of recurrent layers do at every step. Then no
     * matrix at the layer's output makes their curvature, and the second derivative by a parameter alone is not zero:
     * what needs either refuses the module by name.
     */
    default boolean isRecurrent() {
        return false;
    }

    /**
     * Whether the output is, in PyTorch, the input itself or a view of it: the same numbers at the same place. Backends
     * may copy all the same. What a model file's {@code inplace} would overwrite is found by it.
     */
    default boolean isView() {
        return false;
    }

    /**
     * Where positions of the output come from, for a module that treats them on their own: an element of the output at
     * a position depends on elements of the inputs at this position only, and a parameter's gradient is a sum over
     * positions. Then columns that are non-zero at one position stay so on their way back, and those of all positions
     * travel together. The derivatives of its parameters must have {@link Contraction.SumOfSquaresOverPositions} and
     * {@link Contraction.TraceOverPositions}, as those of a {@link io.backpack4j.spi.module.factored.FactoredParameter}
     * have with one group and positions before features, and those of a bias with its channels last.
     *
     * @param outputAxes the axes of the output that hold positions, counted without the batch
     * @param inputs the shapes of one sample's inputs
     * @return the axes of every input that hold the same positions, in the same order; empty, as by default, if the
     *     module mixes these positions or does not know
     */
    default Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Optional.empty();
    }

    /**
     * The same module in a mode: a pass may override what its description says. Parameters and buffers are the same in
     * both.
     *
     * @return this module, as by default, if both modes are alike
     */
    default Module inMode(Mode mode) {
        return this;
    }

    /**
     * The same module with what it computes of the whole batch, such as mean and variance, taken as constants wherever
     * derivatives are: then there are quantities of single samples.
     *
     * @return this module, as by default, if samples do not influence each other
     */
    default Module withConstantStatistics() {
        return this;
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
