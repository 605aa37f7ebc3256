// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Predictions of the network that is linear in its parameters around the trained ones. */
record Linearized(
        BackPack backpack, Model model, FittedModel about, Curvature curvature, double priorPrecision, double sigma) {

    private static final long MOST_NUMBERS = 1 << 23;

    Predictive predict(Batch batch) {
        int samples = Math.toIntExact(batch.samples());
        int outputs = Math.toIntExact(model.outputShape().elements());
        long uncertain = FittedModel.sizes(model, about.names()).stream()
                .mapToLong(Curvature.ParameterSize::elements)
                .sum();
        int part = (int) Math.max(1, Math.min(samples, MOST_NUMBERS / (outputs * uncertain)));
        double[] mean = new double[samples * outputs];
        double[] covariance = new double[Math.multiplyExact(samples * outputs, outputs)];
        for (int from = 0; from < samples; from += part) {
            int count = Math.min(part, samples - from);
            try (Batch some = rows(batch, from, count)) {
                predict(some, from, mean, covariance);
            }
        }
        return new Predictive(about.likelihood(), samples, outputs, mean, covariance, sigma);
    }

    private void predict(Batch batch, int from, double[] mean, double[] covariance) {
        int outputs = Math.toIntExact(model.outputShape().elements());
        OutputJacobian extension = new OutputJacobian();
        List<Request<?>> requests =
                List.of(Request.of(extension).only(about.names().toArray(new String[0])));
        try (Results results = backpack.compute(model, batch, requests, PassOptions.DEFAULT.mode(Mode.EVAL));
                TensorScope scope = backpack.backend().openScope()) {
            double[] output = results.output().toDoubleArray();
            System.arraycopy(output, 0, mean, from * outputs, output.length);
            Map<String, OutputJacobian.Block> jacobian = new LinkedHashMap<>();
            for (String name : about.names()) {
                OutputJacobian.Block block = results.get(extension, name);
                // In float64 whatever the model's type: precisions range over many orders of magnitude.
                Tensor rows = model.dtype() == DType.FLOAT64
                        ? block.rows()
                        : Numbers.of(block.rows()).on(scope, DType.FLOAT64);
                jacobian.put(name, new OutputJacobian.Block(rows, block.sizes()));
            }
            Tensor sum = scope.allocate(Shape.of(batch.samples(), outputs, outputs), DType.FLOAT64);
            backpack.backend().elementwise().fill(sum, 0);
            double scale = about.likelihood().curvatureScale(sigma);
            curvature.addCovariance(backpack.backend(), jacobian, scale, priorPrecision, sum);
            double[] found = sum.toDoubleArray();
            System.arraycopy(found, 0, covariance, from * outputs * outputs, found.length);
        }
    }

    /** Some samples with targets that fit, of which nothing is used. */
    private Batch rows(Batch batch, int from, int count) {
        BatchBuilder builder = backpack.batch(model.dtype());
        batch.inputs().forEach((name, tensor) -> {
            Shape shape = tensor.shape().with(0, count);
            int size = Math.toIntExact(shape.elements(1, shape.rank()));
            if (tensor.dtype() == DType.INT64) {
                long[] values = new long[count * size];
                tensor.read((long) from * size, values, 0, values.length);
                builder.input(name, shape, values);
            } else {
                double[] values = new double[count * size];
                tensor.read((long) from * size, values, 0, values.length);
                builder.input(name, shape, values);
            }
        });
        if (about.likelihood() == Likelihood.CLASSIFICATION) {
            builder.targets(Shape.of(count), new long[count]);
        } else {
            Shape shape = model.outputShape().prepend(count);
            builder.targets(shape, new double[Math.toIntExact(shape.elements())]);
        }
        return builder.sampleIds(Arrays.copyOfRange(batch.sampleIds(), from, from + count))
                .build();
    }
}
