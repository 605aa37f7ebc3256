// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.DenseCurvature;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Batch;
import io.backpack4j.operators.LinearOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.operators.ParameterLayout;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.RealMatrix;

/** Operators over batches of a problem, and dense matrices in their layouts. */
final class OperatorCases {

    private OperatorCases() {}

    /** Splits the samples, in their order, into batches; samples keep their ids. */
    static void withBatches(Passes passes, Problem problem, int count, Consumer<Objective> use) {
        passes.withModel(problem, (model, all) -> {
            List<Batch> batches = new ArrayList<>();
            int samples = problem.samples();
            for (int b = 0; b < Math.min(count, samples); b++) {
                int[] picked = IntStream.range(0, samples)
                        .filter(n -> n * Math.min(count, samples) / samples == batches.size())
                        .toArray();
                batches.add(passes.batch(
                        problem.pick(picked),
                        Arrays.stream(picked).asLongStream().toArray()));
            }
            use.accept(Objective.of(passes.backpack(), model, batches.toArray(Batch[]::new)));
            batches.forEach(Batch::close);
        });
    }

    static int[] places(DenseCurvature dense, ParameterLayout layout) {
        List<Integer> places = new ArrayList<>();
        layout.shapes().forEach((name, shape) -> {
            for (int i = 0; i < shape.elements(); i++) {
                places.add(dense.start(name) + i);
            }
        });
        return places.stream().mapToInt(Integer::intValue).toArray();
    }

    static Tensor normal(TensorScope scope, LinearOperator operator, int count, Random random) {
        Shape shape = Shape.of(count, operator.columns());
        double[] values = random.doubles(shape.elements(), -1, 1).toArray();
        return operator.backend().upload(scope, shape, operator.dtype(), values);
    }

    static RealMatrix matrix(Tensor tensor) {
        int columns = (int) tensor.shape().size(1);
        double[] values = tensor.toDoubleArray();
        RealMatrix matrix = new Array2DRowRealMatrix(values.length / columns, columns);
        for (int i = 0; i < values.length; i++) {
            matrix.setEntry(i / columns, i % columns, values[i]);
        }
        return matrix;
    }

    static double[] flat(RealMatrix matrix) {
        return Arrays.stream(matrix.getData()).flatMapToDouble(Arrays::stream).toArray();
    }
}
