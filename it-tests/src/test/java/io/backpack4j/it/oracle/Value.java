// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.Supplier;

/**
 * A number that knows how it was computed. Derivatives are such numbers again, so they have derivatives of their own.
 * Immutable.
 */
public final class Value {

    private final double number;
    private final boolean varies;
    private final int depth;
    private final List<Operand> operands;

    /**
     * What a number was computed from.
     *
     * @param value the operand
     * @param slope the number's partial derivative by it
     */
    private record Operand(Value value, Supplier<Value> slope) {}

    private Value(double number, boolean varies, List<Operand> operands) {
        this.number = number;
        this.varies = varies;
        this.operands = operands;
        this.depth = 1
                + operands.stream()
                        .mapToInt(operand -> operand.value().depth)
                        .max()
                        .orElse(0);
    }

    /** A number by which nothing is differentiated. */
    public static Value constant(double number) {
        return new Value(number, false, List.of());
    }

    /** A number by which others may be differentiated. */
    public static Value variable(double number) {
        return new Value(number, true, List.of());
    }

    private static Value of(double number, Operand... operands) {
        List<Operand> varying = new ArrayList<>();
        for (Operand operand : operands) {
            if (operand.value().varies) {
                varying.add(operand);
            }
        }
        return new Value(number, !varying.isEmpty(), varying);
    }

    public double number() {
        return number;
    }

    public Value plus(Value other) {
        return of(number + other.number, new Operand(this, () -> constant(1)), new Operand(other, () -> constant(1)));
    }

    public Value minus(Value other) {
        return plus(other.times(-1));
    }

    public Value times(Value other) {
        return of(number * other.number, new Operand(this, () -> other), new Operand(other, () -> this));
    }

    public Value times(double factor) {
        return times(constant(factor));
    }

    public Value over(Value other) {
        return times(other.reciprocal());
    }

    public Value reciprocal() {
        return of(1 / number, new Operand(this, () -> times(this).reciprocal().times(-1)));
    }

    public Value exp() {
        return of(Math.exp(number), new Operand(this, this::exp));
    }

    public Value log() {
        return of(Math.log(number), new Operand(this, this::reciprocal));
    }

    public Value tanh() {
        return of(Math.tanh(number), new Operand(this, () -> constant(1).minus(tanh().times(tanh()))));
    }

    /** The larger of this and 0, with derivative 0 at 0. */
    public Value positivePart() {
        return of(Math.max(number, 0), new Operand(this, () -> constant(number > 0 ? 1 : 0)));
    }

    /** log(1 + exp(this)), without overflow. */
    public Value softplus() {
        Value positive = positivePart();
        Value minusAbsolute = minus(positive.times(2));
        return positive.plus(minusAbsolute.exp().plus(constant(1)).log());
    }

    /** 1 / (1 + exp(-this)). */
    public Value sigmoid() {
        return times(0.5).tanh().plus(constant(1)).times(0.5);
    }

    /** The distribution function of the standard normal distribution, by its series. */
    public Value normalDistribution() {
        double term = number;
        double sum = number;
        for (int k = 3; Math.abs(term) > 1e-20; k += 2) {
            term *= number * number / k;
            sum += term;
        }
        double density = Math.exp(-number * number / 2) / Math.sqrt(2 * Math.PI);
        return of(
                0.5 + density * sum,
                new Operand(this, () -> times(this).times(-0.5).exp().times(1 / Math.sqrt(2 * Math.PI))));
    }

    /** The root of a positive number. */
    public Value root() {
        return log().times(0.5).exp();
    }

    public static Value sum(Iterable<Value> terms) {
        Value sum = constant(0);
        for (Value term : terms) {
            sum = sum.plus(term);
        }
        return sum;
    }

    /** The derivatives of this number by others, zero where it does not depend on them. */
    public List<Value> derivatives(List<Value> by) {
        Map<Value, Value> derivatives = new HashMap<>();
        PriorityQueue<Value> open = new PriorityQueue<>(Comparator.comparingInt(value -> -value.depth));
        derivatives.put(this, constant(1));
        open.add(this);
        // A value is deeper than its operands, so its derivative is complete when its turn comes.
        while (!open.isEmpty()) {
            Value value = open.remove();
            for (Operand operand : value.operands) {
                Value part = derivatives.get(value).times(operand.slope().get());
                Value before = derivatives.get(operand.value());
                derivatives.put(operand.value(), before == null ? part : before.plus(part));
                if (before == null) {
                    open.add(operand.value());
                }
            }
        }
        Value zero = constant(0);
        return by.stream().map(value -> derivatives.getOrDefault(value, zero)).toList();
    }
}
