// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The root of the mean square of a batch's inputs, which is about 1 where they are normalised; of several inputs the
 * largest one. Mean, deviation and spread, the largest root of a single feature's mean square over the median of those
 * that are not zero, stand in the details. Integer inputs, such as ids of words, have none.
 */
record InputScale() implements SingleStepQuantity {

    @Override
    public boolean isOfParameters() {
        return false;
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        Measurement largest = Measurement.missing("inputs are integers");
        for (Map.Entry<String, Tensor> input : new TreeMap<>(step.batch().inputs()).entrySet()) {
            if (input.getValue().dtype() != DType.INT64
                    && input.getValue().shape().elements() > 0) {
                Measurement own = measure(step.backend(), input.getKey(), input.getValue());
                boolean replaces = largest.value().number().isEmpty()
                        || !(own.value().number().orElse(Double.POSITIVE_INFINITY)
                                <= largest.value().number().getAsDouble());
                largest = replaces ? own : largest;
            }
        }
        return largest;
    }

    private static Measurement measure(Backend backend, String name, Tensor input) {
        double[] sums;
        double[] squares;
        try (TensorScope scope = backend.openScope()) {
            Tensor ofFeatures = scope.allocate(input.shape().dropFirst(1), input.dtype());
            backend.reductions().reduce(Reduction.SUM, input, 0, 1, ofFeatures);
            sums = ofFeatures.toDoubleArray();
            Tensor squared = scope.allocate(input.shape(), input.dtype());
            backend.elementwise().apply(UnaryOperation.SQUARE, input, squared);
            backend.reductions().reduce(Reduction.SUM, squared, 0, 1, ofFeatures);
            squares = ofFeatures.toDoubleArray();
        }
        double elements = input.shape().elements();
        double mean = Arrays.stream(sums).sum() / elements;
        double square = Arrays.stream(squares).sum() / elements;
        double[] present =
                Arrays.stream(squares).filter(each -> each > 0).sorted().toArray();
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("input", name);
        details.put("mean", Value.of(mean).toJson());
        details.put(
                "deviation",
                Value.of(Math.sqrt(Math.max(0, square - mean * mean))).toJson());
        details.put(
                "spread",
                present.length == 0
                        ? 1.0
                        : Value.of(Math.sqrt(present[present.length - 1] / present[present.length / 2]))
                                .toJson());
        return new Measurement(Value.of(Math.sqrt(square)), details);
    }
}
