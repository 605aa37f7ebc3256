// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.backend.AdamStep;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.MomentumStep;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Fills, functions, sums with stretched shapes, activations. */
record ElementwiseChecks(BackendComparison both) {

    void fillsAndCopies() {
        both.compare("fill and copy", side -> {
            List<Tensor> results = new ArrayList<>();
            for (Shape shape : BackendComparison.shapes(side.random())) {
                Tensor filled = side.dirty(shape);
                side.backend().elementwise().fill(filled, 0.5);
                Tensor integers = side.integers(shape, 9);
                Tensor converted = side.dirty(shape);
                side.backend().elementwise().copy(integers, converted);
                DType other = side.dtype() == DType.FLOAT32 ? DType.FLOAT64 : DType.FLOAT32;
                Tensor there = side.scope().allocate(shape, other);
                side.backend().elementwise().copy(side.tensor(shape), there);
                Tensor back = side.scope().allocate(shape, DType.INT64);
                side.backend().elementwise().copy(converted, back);
                results.addAll(List.of(filled, converted, there, back));
            }
            return results;
        });
    }

    void appliesFunctionsOfOneNumber() {
        for (UnaryOperation operation : UnaryOperation.values()) {
            boolean positive = operation == UnaryOperation.LOG
                    || operation == UnaryOperation.LOG1P
                    || operation == UnaryOperation.SQRT
                    || operation == UnaryOperation.RECIPROCAL;
            both.compare(operation.toString(), side -> {
                List<Tensor> results = new ArrayList<>();
                for (Shape shape : BackendComparison.shapes(side.random())) {
                    Tensor x = positive ? side.positive(shape) : side.tensor(shape);
                    Tensor result = side.dirty(shape);
                    side.backend().elementwise().apply(operation, x, result);
                    side.backend().elementwise().apply(operation, x, x);
                    results.addAll(List.of(result, x));
                }
                return results;
            });
        }
    }

    void combinesStretchedShapes() {
        for (BinaryOperation operation : BinaryOperation.values()) {
            both.compare(operation.toString(), side -> {
                var ops = side.backend().elementwise();
                List<Tensor> results = new ArrayList<>();
                for (Shape shape : BackendComparison.shapes(side.random())) {
                    Tensor a = side.tensor(shape);
                    Tensor b = side.positive(shape);
                    Tensor result = side.dirty(shape);
                    ops.combine(operation, a, b, result);
                    ops.combine(operation, a, b, a);
                    ops.combine(operation, a, b, b);
                    results.addAll(List.of(result, a, b));
                }
                long[][][] stretched = {
                    {{2, 3, 4}, {4}, {2, 3, 4}},
                    {{2, 3, 4}, {}, {2, 3, 4}},
                    {{2, 1, 4}, {3, 1}, {2, 3, 4}},
                    {{5, 2, 3}, {2, 3}, {5, 2, 3}},
                    {{2, 3}, {2, 1}, {2, 3}},
                    {{1, 3}, {0, 1}, {0, 3}},
                };
                for (long[][] shapes : stretched) {
                    Tensor result = side.dirty(shapes[2]);
                    ops.combine(operation, side.tensor(shapes[0]), side.positive(Shape.of(shapes[1])), result);
                    results.add(result);
                    Tensor a = side.tensor(shapes[2]);
                    Tensor b = side.positive(Shape.of(shapes[1]));
                    Tensor c = side.positive(Shape.of(shapes[1]));
                    Tensor twice = side.dirty(shapes[2]);
                    ops.combine(operation, a, b, BinaryOperation.ADD, c, twice);
                    ops.combine(BinaryOperation.SUBTRACT, a, b, operation, c, a);
                    results.addAll(List.of(twice, a));
                }
                return results;
            });
        }
    }

    void scalesAndAdds() {
        both.compare("affine and addScaled", side -> {
            var ops = side.backend().elementwise();
            List<Tensor> results = new ArrayList<>();
            for (Shape shape : BackendComparison.shapes(side.random())) {
                Tensor x = side.tensor(shape);
                Tensor result = side.dirty(shape);
                ops.affine(x, -1.5, 0.25, result);
                ops.affine(x, 0.5, 1, x);
                Tensor sum = side.tensor(shape);
                ops.addScaled(-0.75, x, sum);
                Tensor kept = side.tensor(shape);
                ops.addScaled(0.25, sum, -0.9, kept);
                results.addAll(List.of(result, x, sum, kept));
            }
            return results;
        });
    }

    void updatesWithMomentum() {
        MomentumStep plain = new MomentumStep(1, 0, 0.9, 1, 0, 0.1);
        MomentumStep ahead = new MomentumStep(-1, 0.3, 0.8, 0.6, 0.2, 0.16);
        both.compare("momentum", side -> {
            List<Tensor> results = new ArrayList<>();
            for (Shape shape : BackendComparison.shapes(side.random())) {
                Tensor buffer = side.tensor(shape);
                Tensor value = side.tensor(shape);
                for (MomentumStep step : List.of(plain, ahead)) {
                    side.backend().elementwise().momentum(side.tensor(shape), buffer, value, step);
                }
                results.addAll(List.of(buffer, value));
            }
            return results;
        });
    }

    void updatesAsAdam() {
        both.compare("adam", side -> {
            List<Tensor> results = new ArrayList<>();
            for (Shape shape : BackendComparison.shapes(side.random())) {
                Tensor mean = side.tensor(shape);
                Tensor square = side.positive(shape);
                Tensor value = side.tensor(shape);
                side.backend()
                        .elementwise()
                        .adam(side.tensor(shape), mean, square, value, new AdamStep(0.8, 0.95, 0.1, 1.5, 1e-3));
                results.addAll(List.of(mean, square, value));
            }
            return results;
        });
    }

    void activates() {
        for (Activation.Kind kind : Activation.Kind.values()) {
            for (double parameter : new double[] {0.3, -0.2}) {
                Activation activation = new Activation(kind, parameter, 0.9);
                both.compare(activation.toString(), side -> {
                    var ops = side.backend().elementwise();
                    List<Tensor> results = new ArrayList<>();
                    for (Shape shape : List.of(
                            BackendComparison.shape(side.random(), 2),
                            BackendComparison.shape(side.random(), 3),
                            BackendComparison.EMPTY)) {
                        Tensor x = side.tensor(shape);
                        for (int order = 0; order < 3; order++) {
                            Tensor result = side.dirty(shape);
                            ops.activation(activation, order, x, result);
                            results.add(result);
                        }
                        Tensor saved = activation.derivativeFromOutput() ? results.get(results.size() - 3) : x;
                        Tensor cotangents = side.tensor(shape.prepend(3));
                        Tensor result = side.dirty(shape.prepend(3));
                        ops.activationPullback(activation, saved, cotangents, result);
                        ops.activationPullback(activation, saved, cotangents, cotangents);
                        ops.activation(activation, 0, x, x);
                        results.addAll(List.of(result, cotangents, x));
                    }
                    return results;
                });
            }
        }
    }
}
