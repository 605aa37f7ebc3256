// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Sums over tensors' elements, in double precision. */
public final class Sums {

    private Sums() {}

    /** Σ a · b over all elements of two tensors of one shape. */
    public static double dot(Backend backend, Tensor a, Tensor b) {
        try (TensorScope scope = backend.openScope()) {
            Shape row = Shape.of(1, a.shape().elements());
            Tensor sum = scope.allocate(Shape.of(1), a.dtype());
            backend.contractions().rowDots(scope.view(a, row), scope.view(b, row), sum);
            return sum.item();
        }
    }

    /** Σ a². */
    public static double squares(Backend backend, Tensor a) {
        return dot(backend, a, a);
    }

    /** (Σ d², Σ d · along) of every difference d; 0 where nothing is along. */
    public static double[][] measure(Backend backend, List<Difference> differences) {
        double[][] sums = new double[differences.size()][2];
        if (!differences.isEmpty()) {
            try (TensorScope scope = backend.openScope()) {
                DType dtype = differences.get(0).minuend().dtype();
                Tensor all = scope.allocate(Shape.of(sums.length, 2), dtype);
                backend.reductions().measure(differences, all);
                double[] numbers = all.toDoubleArray();
                for (int i = 0; i < sums.length; i++) {
                    sums[i] = Arrays.copyOfRange(numbers, 2 * i, 2 * i + 2);
                }
            }
        }
        return sums;
    }

    /** Σ d² of the differences of tensors from others, by name. */
    public static Map<String, Double> squaredDistances(
            Backend backend, List<String> names, Function<String, Difference> differences) {
        double[][] sums = measure(backend, names.stream().map(differences).toList());
        Map<String, Double> squares = new LinkedHashMap<>();
        for (int i = 0; i < sums.length; i++) {
            squares.put(names.get(i), sums[i][0]);
        }
        return squares;
    }

    /** Σ a. */
    static double total(Backend backend, Tensor a) {
        try (TensorScope scope = backend.openScope()) {
            Tensor sum = scope.allocate(Shape.of(), a.dtype());
            backend.reductions().total(a, sum);
            return sum.item();
        }
    }

    /** The largest |a|; NaN if an element is. */
    static double largest(Backend backend, Tensor a) {
        try (TensorScope scope = backend.openScope()) {
            Tensor flat = scope.view(a, Shape.of(a.shape().elements()));
            Tensor extreme = scope.allocate(Shape.of(), a.dtype());
            backend.reductions().reduce(Reduction.MAXIMUM, flat, 0, 1, extreme);
            double most = extreme.item();
            backend.reductions().reduce(Reduction.MINIMUM, flat, 0, 1, extreme);
            return Math.max(most, -extreme.item());
        }
    }
}
