// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.module.JacobianChecks;
import io.backpack4j.testkit.module.ModuleCase;
import io.backpack4j.testkit.module.PositionChecks;
import io.backpack4j.testkit.module.TangentChecks;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every module's way back against differences of its way there. */
class JacobiansTest {

    static Stream<Arguments> modules() {
        Shape vector = Shape.of(3);
        Shape image = Shape.of(2, 3, 4);
        return Stream.of(
                of(new Linear(3, 2), vector),
                of(new Linear(3, 2, false), vector),
                of(new Linear(1, 1), Shape.of(1)),
                of(new Linear(3, 2), Shape.of(4, 3)),
                of(new Linear(4, 2), image),
                of(new Linear(6, 5), Shape.of(2, 6)),
                of(new ReLU(), image),
                of(new LeakyReLU(), vector),
                of(new LeakyReLU(0.3), image),
                of(new LeakyReLU(-0.3), vector),
                of(new ELU(), image),
                of(new ELU(0.6), vector),
                of(new ELU(-0.6), vector),
                of(new SELU(), image),
                of(new Sigmoid(), image),
                of(new Tanh(), image),
                of(new LogSigmoid(), image),
                of(new Identity(), image),
                of(new Flatten(), image),
                of(new Flatten(), vector),
                of(new Flatten(2, 3), image),
                of(new Flatten(-2, -1), image),
                of(new Dropout(0.4), image),
                of(new Dropout(0), vector),
                of(new Dropout(1), vector),
                of(new Dropout(0.4, Mode.EVAL), vector),
                of(new Scale(-1.5), image),
                of(new Sum(), vector),
                of(new Sum(), image, image),
                of(new Sum(), vector, vector, vector),
                of(new Mul(), image, image),
                of(new Mul(), vector, vector, vector),
                of(new Mul(), vector, vector, vector, vector),
                of(new Sum(), image, Shape.of(2, 1, 1), Shape.of(1, 3, 1)),
                of(new Sum(), Shape.of(1, 3, 1), Shape.of(2, 1, 4)),
                of(new Sub(), image, image),
                of(new Sub(), image, Shape.of(2, 1, 4)),
                of(new Sub(), Shape.of(2, 1, 1), Shape.of(1, 3, 4)),
                of(new Mul(), image, Shape.of(2, 1, 1)),
                of(new Mul(), Shape.of(2, 1, 1), Shape.of(1, 3, 1), image),
                of(new Mul(), Shape.of(1, 1, 4), Shape.of(2, 3, 1)),
                of(new DivByPositive(), image, image),
                of(new DivByPositive(), image, Shape.of(2, 1, 1)),
                of(new DivByPositive(), Shape.of(2, 1, 4), Shape.of(1, 3, 1)),
                of(new Affine(-1.5, 0.25), image),
                of(new StochasticDepth(0.4), image),
                of(new StochasticDepth(1), vector),
                of(new StochasticDepth(0.4, Mode.EVAL), image),
                of(new Concat(1), vector, Shape.of(1), Shape.of(2)),
                of(new Concat(2), image, Shape.of(2, 1, 4)),
                of(new Concat(-1), image, Shape.of(2, 3, 2)),
                of(new Concat(1), image),
                of(new Permute(0, 3, 1, 2), image),
                of(new Permute(0, -1, 2, -3), image),
                of(new Permute(0, 1), vector),
                of(slice(new Slice.Index(1), range(null, null, 2L), range(1L, -1L, null)), image),
                of(slice(range(-1L, null, null), new Slice.Index(-2)), image),
                of(slice(), image),
                of(slice(new Slice.Index(0)), Shape.of(3, 4, 2)),
                of(slice(), Shape.of(3, 4, 2)),
                of(slice(new Slice.Index(2)), Shape.of(3, 4, 2)),
                of(slice(new Slice.Index(2), range(1L, 2L, null), range(0L, 5L, 2L)), Shape.of(3, 4, 5)),
                of(new Permute(0, 1, 2), Shape.of(2, 3)),
                of(new Permute(0, 2, 1), Shape.of(3, 2)),
                of(new Permute(0, 3, 1, 2), Shape.of(4, 3, 2)),
                of(new Scale(1), Shape.of(4, 2)),
                of(new Scale(0.3), Shape.of(2)),
                of(new Scale(5.7), vector),
                of(new Identity(), Shape.of(1, 2)));
    }

    @ParameterizedTest
    @MethodSource("modules")
    void agreeWithDifferences(Module module, List<Shape> inputs) {
        JacobianChecks.run(module, 4, inputs.toArray(Shape[]::new));
        JacobianChecks.run(module, 1, inputs.toArray(Shape[]::new));
    }

    @ParameterizedTest
    @MethodSource("modules")
    void goForwardAndHaveSecondDerivatives(Module module, List<Shape> inputs) {
        TangentChecks.run(module, 4, inputs.toArray(Shape[]::new));
        TangentChecks.run(module, 1, inputs.toArray(Shape[]::new));
    }

    @ParameterizedTest
    @MethodSource("modules")
    void keepPositionsApartIfTheySaySo(Module module, List<Shape> inputs) {
        PositionChecks.run(new ModuleCase(module, inputs));
    }

    @Test
    void knowWherePositionsComeFrom() {
        Shape image = Shape.of(2, 3, 4);
        assertThat(new Linear(4, 5).positionAxes(List.of(1, 0), List.of(image))).contains(List.of(1, 0));
        assertThat(new Linear(4, 5).positionAxes(List.of(0), List.of(image))).isEmpty();
        assertThat(new Linear(4, 5).positionAxes(List.of(1, 2), List.of(image))).isEmpty();
        assertThat(new Permute(0, 3, 1, 2).positionAxes(List.of(1, 2), List.of(image)))
                .contains(List.of(0, 1));
        assertThat(new Permute(0, 3, 1, 2).positionAxes(List.of(0, 2), List.of(image)))
                .contains(List.of(2, 1));
        assertThat(new ReLU().positionAxes(List.of(2), List.of(image))).contains(List.of(2));
        assertThat(new Flatten().positionAxes(List.of(0), List.of(image))).isEmpty();
        List<Shape> stretching = List.of(image, Shape.of(2, 1, 4));
        assertThat(new Sum().positionAxes(List.of(0, 2), stretching)).contains(List.of(0, 2));
        assertThat(new Sum().positionAxes(List.of(1), stretching)).isEmpty();
        assertThat(new Sub().positionAxes(List.of(1), stretching)).isEmpty();
    }

    /**
     * A quotient whose divisor is moved away from zero, where differences say nothing. That changes no derivative's
     * formula.
     */
    private record DivByPositive() implements Module {

        private static final double SHIFT = 7;

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            return new Div().declare(inputs);
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            Tensor divisor = context.scope()
                    .allocate(inputs.get(1).shape(), inputs.get(1).dtype());
            context.backend().elementwise().affine(inputs.get(1), 1, SHIFT, divisor);
            return new Div().evaluate(context, List.of(inputs.get(0), divisor), parameters);
        }
    }

    private static Arguments of(Module module, Shape... inputs) {
        return Arguments.of(Named.of(module.toString(), module), List.of(inputs));
    }

    private static Slice slice(Slice.Selection... behindBatch) {
        return new Slice(Stream.concat(Stream.of(new Slice.Range()), Stream.of(behindBatch))
                .toList());
    }

    private static Slice.Range range(Long start, Long stop, Long step) {
        return new Slice.Range(start, stop, step);
    }
}
