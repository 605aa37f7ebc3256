// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The oracle's derivatives against finite differences. */
class ValueTest {

    private static final double STEP = 1e-5;

    static Stream<Arguments> functions() {
        return Stream.of(
                function("plus", x -> x.plus(Value.constant(3)).plus(x)),
                function("minus", x -> Value.constant(3).minus(x).minus(x.times(4))),
                function("times", x -> x.times(x).times(x).times(0.5)),
                function("over", x -> x.plus(Value.constant(1)).over(x.times(x).plus(Value.constant(2)))),
                function("reciprocal", Value::reciprocal),
                function("exp", Value::exp),
                function("log", x -> x.times(x).log()),
                function("tanh", Value::tanh),
                function("positivePart", x -> x.positivePart().times(x.exp())),
                function("softplus", Value::softplus),
                function("sigmoid", Value::sigmoid),
                function("sum", x -> Value.sum(List.of(x, x.exp(), x.times(x)))),
                function("shared", x -> {
                    Value y = x.tanh();
                    return y.times(y.exp()).plus(y.over(x)).times(y);
                }));
    }

    private static Arguments function(String name, UnaryOperator<Value> function) {
        return Arguments.of(name, function);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("functions")
    void first_and_second_derivatives_are_those_of_finite_differences(String name, UnaryOperator<Value> function) {
        for (double at : new double[] {-2.3, -0.4, 0.3, 1.7}) {
            Value x = Value.variable(at);
            Value first = derivative(function.apply(x), x);
            Value second = derivative(first, x);
            double expected = difference(function, at);
            double expectedSecond = difference(y -> derivative(function.apply(y), y), at);
            assertThat(first.number()).isCloseTo(expected, within(1e-7));
            assertThat(second.number()).isCloseTo(expectedSecond, within(1e-6));
        }
    }

    private static Value derivative(Value value, Value by) {
        return value.derivatives(List.of(by)).get(0);
    }

    private static double difference(Function<Value, Value> function, double at) {
        double above = function.apply(Value.variable(at + STEP)).number();
        double below = function.apply(Value.variable(at - STEP)).number();
        return (above - below) / (2 * STEP);
    }

    @Test
    void derivatives_by_several_variables_make_a_symmetric_hessian() {
        List<Value> x = new ArrayList<>();
        for (double at : new double[] {0.7, -1.1, 0.4}) {
            x.add(Value.variable(at));
        }
        Value value = x.get(0).times(x.get(1)).exp().plus(x.get(1).tanh().over(x.get(2)));
        List<Value> gradient = value.derivatives(x);
        assertThat(gradient.get(0).number()).isCloseTo(-1.1 * Math.exp(-0.77), within(1e-14));
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) {
                double ij = gradient.get(i).derivatives(x).get(j).number();
                double ji = gradient.get(j).derivatives(x).get(i).number();
                assertThat(ij).isCloseTo(ji, within(1e-13));
            }
        }
        double cosh = Math.cosh(-1.1);
        assertThat(gradient.get(1).derivatives(x).get(2).number()).isCloseTo(-1 / (cosh * cosh * 0.16), within(1e-13));
    }

    @Test
    void what_does_not_depend_on_a_variable_has_derivative_zero() {
        Value x = Value.variable(2);
        Value y = Value.variable(3);
        assertThat(derivative(x.times(x), y).number()).isZero();
        assertThat(derivative(Value.constant(4), x).number()).isZero();
        assertThat(derivative(x, x).number()).isOne();
    }

    @Test
    void softplus_and_sigmoid_neither_overflow_nor_jump() {
        assertThat(Value.constant(800).softplus().number()).isEqualTo(800);
        assertThat(Value.constant(-800).softplus().number()).isZero();
        Value zero = Value.variable(0);
        assertThat(derivative(zero.softplus(), zero).number()).isEqualTo(0.5);
        assertThat(derivative(zero.positivePart(), zero).number()).isZero();
        assertThat(Value.constant(-800).sigmoid().number()).isZero();
    }
}
