// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;

/** Predictions of the network that is linear in its parameters around the trained ones. */
record Linearized(
        BackPack backpack, Model model, FittedModel about, Curvature curvature, double priorPrecision, double sigma) {

    /** Memory that a pass should keep to; one sample may take more. */
    private static final long BYTES = 1 << 26;

    private static final PassOptions EVALUATION = PassOptions.DEFAULT.mode(Mode.EVAL);

    Predictive predict(Batch batch) {
        if (model.dtype() == DType.FLOAT64 || !curvature.cancels()) {
            return predictParts(batch);
        }
        try (Model exact = FittedModel.copy(backpack, model, model.loss(), DType.FLOAT64)) {
            return new Linearized(backpack, exact, about, curvature, priorPrecision, sigma).predictParts(batch);
        }
    }

    private Predictive predictParts(Batch batch) {
        int samples = Math.toIntExact(batch.samples());
        int outputs = Math.toIntExact(model.outputShape().elements());
        double[] mean = new double[samples * outputs];
        double[] covariance = new double[Math.multiplyExact(samples * outputs, outputs)];
        OutputCovariance extension = curvature.covariance();
        List<Request<?>> requests =
                List.of(Request.of(extension).only(about.names().toArray(new String[0])));
        double scale = about.likelihood().curvatureScale(sigma);
        try (TensorScope scope = backpack.backend().openScope()) {
            RunOptions run = RunOptions.seed(0).operands(operands(scope, extension, scale));
            int part = samples == 0 ? 1 : part(batch, requests);
            for (int from = 0; from < samples; from += part) {
                int count = Math.min(part, samples - from);
                try (Batch some = rows(batch, from, count);
                        Results results =
                                backpack.plan(model, some, requests, EVALUATION).run(some, run)) {
                    double[] output = results.output().toDoubleArray();
                    System.arraycopy(output, 0, mean, from * outputs, output.length);
                    double[] found =
                            curvature.covariance(backpack.backend(), results.network(extension), scale, priorPrecision);
                    System.arraycopy(found, 0, covariance, from * outputs * outputs, found.length);
                }
            }
        }
        return new Predictive(about.likelihood(), samples, outputs, mean, covariance, sigma);
    }

    private RunOperands operands(TensorScope scope, OutputCovariance extension, double scale) {
        RunOperands operands = RunOperands.NONE;
        for (String name : about.names()) {
            double[] numbers = curvature.operand(name, scale, priorPrecision);
            if (numbers.length == 0) {
                continue;
            }
            Shape shape = model.parameters().spec(name).shape();
            Shape own = switch (extension.form()) {
                case DIAGONAL -> shape;
                case KRONECKER -> Shape.of(numbers.length);
                case VECTORS -> shape.prepend(extension.vectors());
            };
            Tensor tensor = backpack.backend().upload(scope, own, model.dtype(), numbers);
            operands = operands.with(OutputCovariance.OPERAND, name, tensor);
        }
        return operands;
    }

    /** How many samples fit into the memory, by what one takes. */
    private int part(Batch batch, List<Request<?>> requests) {
        try (Batch one = rows(batch, 0, 1)) {
            long bytes = backpack.plan(model, one, requests, EVALUATION).peakBytes();
            return (int) Math.max(1, Math.min(batch.samples(), BYTES / Math.max(1, bytes)));
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
