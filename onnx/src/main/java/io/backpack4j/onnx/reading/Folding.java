// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;

/** Works out operators of constants, numbers that grow with the batch's size among them. */
final class Folding {

    private static final long MOST = 1 << 24;
    private static final Set<String> COMPARISONS =
            Set.of("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor");

    private static final Map<String, DoubleUnaryOperator> UNARY = Map.ofEntries(
            Map.entry("Neg", x -> -x),
            Map.entry("Abs", Math::abs),
            Map.entry("Sqrt", Math::sqrt),
            Map.entry("Reciprocal", x -> 1 / x),
            Map.entry("Floor", Math::floor),
            Map.entry("Ceil", Math::ceil),
            Map.entry("Round", Math::rint),
            Map.entry("Exp", Math::exp),
            Map.entry("Log", Math::log),
            Map.entry("Sin", Math::sin),
            Map.entry("Cos", Math::cos),
            Map.entry("Sign", Math::signum),
            Map.entry("Not", x -> x == 0 ? 1 : 0),
            Map.entry("IsNaN", x -> Double.isNaN(x) ? 1 : 0));

    private static final Map<String, DoubleBinaryOperator> BINARY = Map.ofEntries(
            Map.entry("Add", Double::sum),
            Map.entry("Sub", (a, b) -> a - b),
            Map.entry("Mul", (a, b) -> a * b),
            Map.entry("Div", (a, b) -> a / b),
            Map.entry("Mod", (a, b) -> a - Math.floor(a / b) * b),
            Map.entry("Pow", Math::pow),
            Map.entry("Min", Math::min),
            Map.entry("Max", Math::max),
            Map.entry("Equal", (a, b) -> a == b ? 1 : 0),
            Map.entry("Greater", (a, b) -> a > b ? 1 : 0),
            Map.entry("GreaterOrEqual", (a, b) -> a >= b ? 1 : 0),
            Map.entry("Less", (a, b) -> a < b ? 1 : 0),
            Map.entry("LessOrEqual", (a, b) -> a <= b ? 1 : 0),
            Map.entry("And", (a, b) -> a != 0 && b != 0 ? 1 : 0),
            Map.entry("Or", (a, b) -> a != 0 || b != 0 ? 1 : 0),
            Map.entry("Xor", (a, b) -> (a != 0) != (b != 0) ? 1 : 0));

    private Folding() {}

    /** The result of an operator whose inputs are all constants; empty if it is not one that is worked out. */
    static Optional<Constant> fold(Call call) {
        String operator = call.node().operator();
        if (UNARY.containsKey(operator)) {
            return Optional.of(unary(call.constant(0), operator));
        }
        if (BINARY.containsKey(operator) && call.inputs() == 2) {
            return Optional.of(binary(operator, call.constant(0), call.constant(1)));
        }
        return Optional.ofNullable(
                switch (operator) {
                    case "Where" -> where(call.constant(0), call.constant(1), call.constant(2));
                    case "ConstantOfShape" -> constantOfShape(call);
                    case "Range" -> range(call);
                    case "Trilu" -> trilu(call);
                    case "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin" -> reduce(call);
                    default -> ConstantShapes.fold(call);
                });
    }

    private static Constant unary(Constant x, String operator) {
        if (x.dependsOnBatch()) {
            throw new Refusal("computes with the batch's size, which is not known before the network runs");
        }
        DoubleUnaryOperator function = Objects.requireNonNull(UNARY.get(operator));
        double[] values = new double[x.values().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = function.applyAsDouble(x.values()[i]);
        }
        boolean flag = operator.equals("Not") || operator.equals("IsNaN");
        Constant result = Constant.of(flag ? ElementType.BOOL : x.type(), x.sizes(), values);
        return x.batchAxis() < 0 ? result : result.repeated(x.batchAxis());
    }

    /** The sizes to which constants stretch. */
    static List<Long> stretched(List<Long> a, List<Long> b) {
        int rank = Math.max(a.size(), b.size());
        List<Long> sizes = new ArrayList<>();
        for (int axis = 0; axis < rank; axis++) {
            long one = at(a, axis - rank + a.size());
            long other = at(b, axis - rank + b.size());
            if (one != other && one != 1 && other != 1) {
                throw new Refusal("combines constants of sizes %s and %s".formatted(a, b));
            }
            sizes.add(one == 1 ? other : one);
        }
        limited(sizes);
        return sizes;
    }

    private static long at(List<Long> sizes, int axis) {
        return axis < 0 ? 1 : sizes.get(axis);
    }

    static int limited(List<Long> sizes) {
        long elements = sizes.stream().reduce(1L, Math::multiplyExact);
        if (elements < 0 || elements > MOST) {
            throw new Refusal("makes a constant of sizes %s; at most %d elements are possible".formatted(sizes, MOST));
        }
        return (int) elements;
    }

    /** Strides with which a constant's elements are read where it stretches to sizes. */
    static List<Long> strides(Constant constant, List<Long> sizes) {
        List<Long> own = Constant.strides(constant.sizes());
        List<Long> strides = new ArrayList<>(Collections.nCopies(sizes.size(), 0L));
        for (int axis = 0; axis < own.size(); axis++) {
            if (constant.sizes().get(axis) != 1) {
                strides.set(sizes.size() - own.size() + axis, own.get(axis));
            }
        }
        return strides;
    }

    private static int batchAxis(Constant a, Constant b, int rank) {
        int one = a.batchAxis() < 0 ? -1 : rank - a.rank() + a.batchAxis();
        int other = b.batchAxis() < 0 ? -1 : rank - b.rank() + b.batchAxis();
        if (one >= 0 && other >= 0 && one != other) {
            throw new Refusal("combines constants that were repeated for the batch along different axes");
        }
        return Math.max(one, other);
    }

    private static Constant binary(String operator, Constant a, Constant b) {
        List<Long> sizes = stretched(a.sizes(), b.sizes());
        List<Long> first = strides(a, sizes);
        List<Long> second = strides(b, sizes);
        double[] values = new double[limited(sizes)];
        double @Nullable [] multiples = a.dependsOnBatch() || b.dependsOnBatch() ? new double[values.length] : null;
        boolean whole = !a.type().isFloating() && !b.type().isFloating();
        DoubleBinaryOperator function = Objects.requireNonNull(BINARY.get(operator));
        for (int i = 0; i < values.length; i++) {
            int place = (int) Constant.place(i, sizes, first);
            int other = (int) Constant.place(i, sizes, second);
            double x = a.values()[place];
            double y = b.values()[other];
            if (multiples == null || (a.multiple(place) == 0 && b.multiple(other) == 0)) {
                if (operator.equals("Div") && whole) {
                    if (y == 0) {
                        throw new Refusal("divides by zero");
                    }
                    values[i] = (double) ((long) x / (long) y);
                } else {
                    values[i] = function.applyAsDouble(x, y);
                }
            } else {
                symbolic(operator, x, a.multiple(place), y, b.multiple(other), i, values, multiples);
            }
        }
        ElementType type = COMPARISONS.contains(operator) ? ElementType.BOOL : a.type();
        Constant result = Constant.of(type, sizes, values, multiples);
        int batch = batchAxis(a, b, sizes.size());
        return batch < 0 ? result : result.repeated(batch);
    }

    /** x + p N combined with y + q N. */
    private static void symbolic(
            String operator, double x, double p, double y, double q, int i, double[] values, double[] multiples) {
        switch (operator) {
            case "Add" -> {
                values[i] = x + y;
                multiples[i] = p + q;
            }
            case "Sub" -> {
                values[i] = x - y;
                multiples[i] = p - q;
            }
            case "Mul" -> {
                if (p != 0 && q != 0) {
                    throw new Refusal("multiplies the batch's size with itself");
                }
                values[i] = x * y;
                multiples[i] = p * y + q * x;
            }
            case "Div" -> {
                if (q != 0 || x % y != 0 || p % y != 0) {
                    boolean one = x == 0 && y == 0 && p % q == 0;
                    if (!one) {
                        throw new Refusal("divides the batch's size, or by it");
                    }
                    values[i] = p / q;
                    return;
                }
                values[i] = x / y;
                multiples[i] = p / y;
            }
            case "Equal" -> values[i] = equal(x - y, p - q);
            case "Max" -> {
                boolean first = q == 0 && y <= x + p && p > 0;
                boolean second = p == 0 && x <= y + q && q > 0;
                if (!first && !second) {
                    throw new Refusal("compares the batch's size, which is not known before the network runs");
                }
                values[i] = first ? x : y;
                multiples[i] = first ? p : q;
            }
            default -> throw new Refusal("computes with the batch's size, which is not known before the network runs");
        }
    }

    /** Whether d + p N is zero, for every N from 1 on or for none. */
    private static double equal(double difference, double multiple) {
        if (multiple == 0) {
            return difference == 0 ? 1 : 0;
        }
        double root = -difference / multiple;
        if (root < 1 || root != Math.rint(root)) {
            return 0;
        }
        throw new Refusal("asks whether the batch's size is %d, which is not known before the network runs"
                .formatted((long) root));
    }

    private static Constant where(Constant condition, Constant yes, Constant no) {
        List<Long> sizes = stretched(stretched(condition.sizes(), yes.sizes()), no.sizes());
        double[] values = new double[limited(sizes)];
        double[] multiples = new double[values.length];
        List<Long> first = strides(condition, sizes);
        List<Long> second = strides(yes, sizes);
        List<Long> third = strides(no, sizes);
        for (int i = 0; i < values.length; i++) {
            boolean taken = condition.values()[(int) Constant.place(i, sizes, first)] != 0;
            Constant from = taken ? yes : no;
            int place = (int) Constant.place(i, sizes, taken ? second : third);
            values[i] = from.values()[place];
            multiples[i] = from.multiple(place);
        }
        Constant result = Constant.of(yes.type(), sizes, values, multiples);
        int batch = Math.max(batchAxis(condition, yes, sizes.size()), batchAxis(yes, no, sizes.size()));
        return batch < 0 ? result : result.repeated(batch);
    }

    private static Constant constantOfShape(Call call) {
        Constant shape = call.constant(0);
        Constant value = call.tensor("value")
                .map(tensor -> Constant.of(tensor, "", false))
                .orElse(Constant.of(ElementType.FLOAT, List.of(1L), 0));
        return expanded(Constant.of(value.type(), List.of(), value.values()[0]), shape);
    }

    /** A constant stretched to a shape, of which one size may be the batch's. */
    static Constant expanded(Constant constant, Constant shape) {
        List<Long> wanted = new ArrayList<>();
        int batch = -1;
        for (int axis = 0; axis < shape.values().length; axis++) {
            if (shape.multiple(axis) == 0) {
                wanted.add((long) shape.values()[axis]);
            } else if (shape.multiple(axis) == 1 && shape.values()[axis] == 0 && batch < 0) {
                batch = axis;
                wanted.add(1L);
            } else {
                throw new Refusal("stretches a constant to a size that is not the batch's");
            }
        }
        List<Long> sizes = stretched(constant.sizes(), wanted);
        List<Long> strides = strides(constant, sizes);
        Constant result = constant;
        if (!sizes.equals(constant.sizes())) {
            int[] places = new int[limited(sizes)];
            for (int i = 0; i < places.length; i++) {
                places[i] = (int) Constant.place(i, sizes, strides);
            }
            result = constant.elements() == places.length ? constant.reshaped(sizes) : constant.picked(sizes, places);
        }
        if (batch < 0) {
            return result;
        }
        int axis = sizes.size() - wanted.size() + batch;
        if (sizes.get(axis) != 1) {
            throw new Refusal("stretches axis %d of a constant of sizes %s to the batch".formatted(axis, sizes));
        }
        return result.repeated(axis);
    }

    private static Constant range(Call call) {
        double start = call.constant(0).scalar();
        double limit = call.constant(1).scalar();
        double step = call.constant(2).scalar();
        long count = (long) Math.max(0, Math.ceil((limit - start) / step));
        double[] values = new double[limited(List.of(count))];
        for (int i = 0; i < values.length; i++) {
            values[i] = start + i * step;
        }
        return Constant.of(call.constant(0).type(), List.of(count), values);
    }

    private static Constant trilu(Call call) {
        Constant x = call.constant(0);
        if (x.rank() < 2) {
            throw new Refusal("takes the triangle of a tensor with %d axes".formatted(x.rank()));
        }
        boolean upper = call.integer("upper", 1) != 0;
        long diagonal = call.optional(1).map(Constant::scalar).orElse(0.0).longValue();
        double[] values = x.values().clone();
        long columns = x.sizes().get(x.rank() - 1);
        long rows = x.sizes().get(x.rank() - 2);
        for (int i = 0; i < values.length; i++) {
            long column = i % columns;
            long row = i / columns % rows;
            boolean kept = upper ? column - row >= diagonal : column - row <= diagonal;
            values[i] = kept ? values[i] : 0;
        }
        return Constant.of(x.type(), x.sizes(), values);
    }

    private static Constant reduce(Call call) {
        Constant x = call.constant(0);
        if (call.axes(1).isPresent() && call.axes(1).get().size() < x.rank()) {
            throw new Refusal("reduces some axes of a constant, of which only all are possible");
        }
        if (x.dependsOnBatch() && !call.node().operator().equals("ReduceProd")) {
            throw new Refusal("computes with the batch's size, which is not known before the network runs");
        }
        Constant result = Constant.of(x.type(), List.of(), identity(call.node().operator()));
        for (int i = 0; i < x.values().length; i++) {
            Constant next = x.picked(List.of(), i);
            result = switch (call.node().operator()) {
                case "ReduceProd" -> binary("Mul", result, next);
                case "ReduceSum" -> binary("Add", result, next);
                case "ReduceMax" -> binary("Max", result, next);
                default -> binary("Min", result, next);
            };
        }
        boolean keeps = call.integer("keepdims", 1) != 0;
        return keeps ? result.reshaped(Collections.nCopies(x.rank(), 1L)) : result;
    }

    private static double identity(String operator) {
        return switch (operator) {
            case "ReduceProd" -> 1;
            case "ReduceSum" -> 0;
            case "ReduceMax" -> Double.NEGATIVE_INFINITY;
            default -> Double.POSITIVE_INFINITY;
        };
    }
}
