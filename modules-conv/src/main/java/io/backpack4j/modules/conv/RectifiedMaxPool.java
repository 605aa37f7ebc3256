// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.ElementwiseModule;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * ReLU, then perhaps padding with zeros, then MaxPool, in one: max over relu(x) and zeros = relu(max over x). The
 * function is applied to the few maxima instead of all inputs, and padding need not be written. Where the maximum is
 * not positive the derivative is zero in either order.
 *
 * @param type the types of the modules that it stands for
 * @param window the pooling's, with the padding before the input added to its own
 * @param output {@code [C, *out]}
 */
record RectifiedMaxPool(String type, Window window, Shape output) implements Module {

    private static final Activation RELU = Activation.of(Activation.Kind.RELU);

    /** Replaces ReLU and MaxPool, and ReLU, Pad and MaxPool. */
    static Optional<Module> fuse(List<Module> chain, Shape input) {
        Module first = chain.get(0);
        Module last = chain.get(chain.size() - 1);
        boolean rectified =
                first instanceof ElementwiseModule module && module.activation().equals(RELU);
        if (!rectified
                || !(last instanceof MaxPool pool)
                || input.rank() != pool.window().axes() + 1) {
            return Optional.empty();
        }
        List<Long> before = new ArrayList<>(pool.window().padding());
        Shape padded = input;
        if (chain.size() == 3 && chain.get(1) instanceof Pad pad && pad.value() == 0) {
            padded = pad.declare(List.of(input)).output();
            for (int axis = 0; axis < input.rank(); axis++) {
                long front = pad.before(input, axis);
                boolean cuts = front < 0 || pad.behind(input, axis) < 0;
                if (cuts || (axis == 0 && padded.size(0) != input.size(0))) {
                    return Optional.empty();
                }
                if (axis > 0) {
                    before.set(axis - 1, before.get(axis - 1) + front);
                }
            }
        } else if (chain.size() != 2) {
            return Optional.empty();
        }
        Window own = pool.window();
        Window window = new Window(own.kernel(), own.stride(), before, own.dilation());
        Shape output = pool.declare(List.of(padded)).output();
        String type = String.join("+", chain.stream().map(Module::type).toList());
        return PoolSizes.seeInputs(window, input, output)
                ? Optional.of(new RectifiedMaxPool(type, window, output))
                : Optional.empty();
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Checks.spatial(this, window.axes(), inputs);
        return ModuleDeclaration.output(output).retainOutput();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor input = inputs.get(0);
        Shape shape = output.prepend(input.shape().size(0));
        Tensor maxima = context.scope().allocate(shape, input.dtype());
        Tensor indices = context.scope().allocate(shape, DType.INT64);
        context.backend().pooling().maximum(window, input, maxima, indices);
        context.backend().elementwise().activation(RELU, 0, maxima, maxima);
        Shape inputShape = input.shape();
        return ParameterlessEvaluation.ofOneInput(
                maxima,
                (forward, tangents) -> {
                    Tensor result = MaximumEvaluation.gather(forward, indices, tangents);
                    forward.backend().elementwise().activationPullback(RELU, maxima, result, result);
                    return result;
                },
                (pullback, cotangents) -> {
                    try (TensorScope scope = pullback.backend().openScope()) {
                        Tensor masked = scope.allocate(cotangents.shape(), cotangents.dtype());
                        pullback.backend().elementwise().activationPullback(RELU, maxima, cotangents, masked);
                        return MaximumEvaluation.scatter(pullback, indices, masked, inputShape);
                    }
                });
    }
}
