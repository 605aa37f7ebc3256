// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.List;

/** Reductions, softmax, histograms. */
record ReductionChecks(BackendComparison both) {

    void reduces() {
        for (Reduction reduction : Reduction.values()) {
            both.compare(reduction.toString(), side -> {
                List<Tensor> results = new ArrayList<>();
                for (int rank = 1; rank <= 3; rank++) {
                    Shape shape = BackendComparison.shape(side.random(), rank);
                    for (int from = 0; from < rank; from++) {
                        for (int to = from + 1; to <= rank; to++) {
                            Shape left = shape.slice(0, from)
                                    .append(shape.dropFirst(to).toArray());
                            Tensor result = side.dirty(left);
                            side.backend().reductions().reduce(reduction, side.tensor(shape), from, to, result);
                            results.add(result);
                        }
                    }
                }
                if (reduction == Reduction.SUM) {
                    Tensor ofNothing = side.dirty(3);
                    side.backend()
                            .reductions()
                            .reduce(reduction, side.tensor(BackendComparison.EMPTY), 0, 1, ofNothing);
                    results.add(ofNothing);
                }
                Tensor nothing = side.dirty(0);
                side.backend().reductions().reduce(reduction, side.tensor(BackendComparison.EMPTY), 1, 2, nothing);
                results.add(nothing);
                return results;
            });
        }
    }

    void normalisesAndCounts() {
        both.compare("softmax and histograms", side -> {
            var reductions = side.backend().reductions();
            List<Tensor> results = new ArrayList<>();
            Shape shape = BackendComparison.shape(side.random(), 3);
            for (int axis = 0; axis < 3; axis++) {
                Tensor x = side.tensor(shape);
                side.backend().elementwise().affine(x, 30, 0, x);
                Tensor logarithms = side.dirty(shape);
                reductions.logSoftmax(x, axis, logarithms);
                Tensor probabilities = side.dirty(shape);
                reductions.softmax(x, axis, probabilities);
                results.addAll(List.of(logarithms, probabilities));
            }
            double[] middles = side.random()
                    .ints(50, -3, 12)
                    .mapToDouble(bin -> -1 + (bin + 0.5) * 0.25)
                    .toArray();
            middles[0] = Double.NaN;
            middles[1] = Double.POSITIVE_INFINITY;
            Tensor x = side.upload(Shape.of(5, 10), middles);
            Tensor counts = side.integers(Shape.of(9), 10);
            reductions.addHistogram(x, side.upload(Shape.of(2), -2, 2), 0.5, counts);
            results.add(counts);
            Tensor values = side.upload(Shape.of(10), -9, -1, -0.5, -0.25, 0, 0, 0.25, 1, 9, Double.NaN);
            Tensor pairs = side.integers(Shape.of(9, 6), 10);
            reductions.addJointHistogram(x, values, side.upload(Shape.of(2, 2), -2, 2, -1, 1.5), 0.5, pairs);
            results.add(pairs);
            return results;
        });
    }

    /** Of one tensor and of several, with and without what nobody needs, into other memory and into an operand. */
    void measuresDifferences() {
        both.compare("differences", side -> {
            List<Tensor> results = new ArrayList<>();
            List<Difference> differences = new ArrayList<>();
            for (Shape shape : BackendComparison.shapes(side.random())) {
                Tensor replaced = side.tensor(shape);
                Tensor destination = side.dirty(shape);
                Tensor copied = side.dirty(shape);
                differences.add(Difference.ofZero(side.tensor(shape)));
                differences.add(new Difference(side.tensor(shape), side.tensor(shape), null, null));
                differences.add(new Difference(side.tensor(shape), side.tensor(shape), null, side.tensor(shape)));
                differences.add(new Difference(side.tensor(shape), replaced, replaced, side.tensor(shape)));
                differences.add(new Difference(side.tensor(shape), side.tensor(shape), destination, null));
                differences.add(new Difference(side.tensor(shape), null, copied, side.tensor(shape)));
                results.addAll(List.of(replaced, destination, copied));
            }
            Tensor together = side.dirty(differences.size(), 2);
            side.backend().reductions().measure(differences, together);
            results.add(together);
            Tensor alone = side.dirty(1, 2);
            side.backend().reductions().measure(differences.subList(0, 1), alone);
            results.add(alone);
            return results;
        });
    }

    void findsWhatIsNotFinite() {
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
            try (TensorScope scope = both.backend().openScope()) {
                for (double odd :
                        new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 3e38, 0}) {
                    double[] values = Randomness.normal(both.random(), 33);
                    values[both.random().nextInt(33)] = odd;
                    Tensor tensor = both.backend().upload(scope, Shape.of(3, 11), dtype, values);
                    assertThat(both.backend().reductions().allFinite(tensor))
                            .as("all finite with %s", odd)
                            .isEqualTo(Double.isFinite(odd));
                }
                assertThat(both.backend().reductions().allFinite(scope.allocate(BackendComparison.EMPTY, dtype)))
                        .as("all of nothing is finite")
                        .isTrue();
            }
        }
    }
}
