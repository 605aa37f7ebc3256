// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;

/** Projects gradients, a block of directions at a time: neither all directions nor any gradient is ever stored. */
record StoreWriter(BackPack backpack, Model model, Signs signs, PassOptions options) {

    /** Numbers of directions that are there at a time; one direction may have more. */
    private static final long NUMBERS = 1 << 23;

    private interface Block {
        void at(TensorScope scope, int from, int to);
    }

    private void forEachBlock(int dimension, Block block) {
        long size = model.parameters().trainable().stream()
                .mapToLong(name -> model.parameters().spec(name).shape().elements())
                .sum();
        int run = (int) Math.max(1, Math.min(dimension, NUMBERS / Math.max(1, size)));
        for (int from = 0; from < dimension; from += run) {
            try (TensorScope scope = backpack.backend().openScope()) {
                block.at(scope, from, Math.min(dimension, from + run));
            }
        }
    }

    private Tensor directions(TensorScope scope, String name, int from, int to) {
        Shape shape = model.parameters().spec(name).shape();
        return signs.directions(backpack.backend(), scope, model.dtype(), name, shape, from, to);
    }

    /** @param ratios by what each batch's gradients are multiplied */
    void fill(GradientStore store, TrainingData training, double[] ratios) {
        forEachBlock(store.dimension(), (scope, from, to) -> {
            RunOperands operands = RunOperands.NONE;
            for (String name : model.parameters().trainable()) {
                operands = operands.with(Projections.VECTORS, name, directions(scope, name, from, to));
            }
            Projections projections = new Projections(to - from);
            int first = 0;
            for (int number = 0; number < ratios.length; number++) {
                try (Batch batch = training.upload(number)) {
                    put(store, first, from, sums(projections, batch, operands), ratios[number]);
                    first += Math.toIntExact(batch.samples());
                }
            }
        });
    }

    private static void put(GradientStore store, int first, int from, double[][] sums, double ratio) {
        for (int k = 0; k < sums.length; k++) {
            for (int n = 0; n < sums[k].length; n++) {
                store.put(first + n, from + k, ratio * sums[k][n]);
            }
        }
    }

    /** {@code [K][N]} */
    private double[][] sums(Projections projections, Batch batch, RunOperands operands) {
        int samples = Math.toIntExact(batch.samples());
        double[][] sums = new double[projections.count()][samples];
        try (Results results = backpack.plan(model, batch, List.of(Request.of(projections)), options)
                .run(batch, RunOptions.seed(0).operands(operands))) {
            for (String name : model.parameters().trainable()) {
                double[] dots = results.get(projections, name).toDoubleArray();
                for (int i = 0; i < dots.length; i++) {
                    sums[i / samples][i % samples] += dots[i];
                }
            }
        }
        return sums;
    }

    /**
     * Projections of vectors.
     *
     * @param vectors {@code [T, *p]} by parameter
     * @return {@code [T][K]}
     */
    double[][] projected(Map<String, Tensor> vectors, int dimension) {
        int count = (int) vectors.values().iterator().next().shape().size(0);
        double[][] projected = new double[count][dimension];
        forEachBlock(dimension, (scope, from, to) -> {
            int run = to - from;
            Tensor products = scope.allocate(Shape.of(count, run), model.dtype());
            backpack.backend().elementwise().fill(products, 0);
            vectors.forEach((name, own) -> {
                try (TensorScope step = backpack.backend().openScope()) {
                    Tensor block = directions(step, name, from, to);
                    Tensor left = step.view(own, Rows.flat(own, count));
                    Tensor right = step.view(block, Rows.flat(block, run));
                    backpack.backend().products().multiply(left, false, right, true, 1, 1, products);
                }
            });
            double[] values = products.toDoubleArray();
            for (int i = 0; i < values.length; i++) {
                projected[i / run][from + i % run] = values[i];
            }
        });
        return projected;
    }
}
