// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import io.backpack4j.testkit.module.ContractionChecks;
import io.backpack4j.testkit.module.GradientOracle;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Compares a convolution with {@link NaiveConvolution}: output, cotangents of the input, every contraction. */
final class ConvolutionChecks {

    private static final double TOLERANCE = 1e-11;

    private final NaiveConvolution naive;
    private final Module module;
    private final int samples;
    private final Random random;
    private final Shape in;
    private final Shape out;

    private ConvolutionChecks(NaiveConvolution naive, Module module, int samples, Random random) {
        this.naive = naive;
        this.module = module;
        this.samples = samples;
        this.random = random;
        this.in = shape(naive.in());
        this.out = shape(naive.out());
    }

    static void run(NaiveConvolution naive, Module module, int samples, Random random, int columns) {
        new ConvolutionChecks(naive, module, samples, random).run(columns);
    }

    static Shape shape(int[] sizes) {
        return Shape.of(Arrays.stream(sizes).asLongStream().toArray());
    }

    private void run(int columns) {
        ModuleDeclaration declaration = module.declare(List.of(in));
        assertThat(declaration.output()).as("output of %s for %s", module, in).isEqualTo(out);
        Shape weightShape = shape(naive.weightShape());
        assertThat(declaration.parameters().get(0).shape()).isEqualTo(weightShape);
        boolean hasBias =
                declaration.parameters().stream().map(ParameterSpec::name).anyMatch("bias"::equals);
        double[] x = numbers(samples * in.elements());
        double[] weight = numbers(weightShape.elements());
        double[] bias = hasBias ? numbers(naive.outChannels()) : null;
        double[] d = numbers(columns * samples * out.elements());
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            TestContext context = TestContext.of(backend, scope, samples);
            Map<String, Tensor> parameters = new HashMap<>();
            parameters.put("weight", backend.upload(scope, weightShape, DType.FLOAT64, weight));
            if (bias != null) {
                parameters.put("bias", backend.upload(scope, Shape.of(bias.length), DType.FLOAT64, bias));
            }
            Tensor input = backend.upload(scope, in.prepend(samples), DType.FLOAT64, x);
            Evaluation evaluation = module.evaluate(context, List.of(input), parameters);
            double[] expected = perSample(1, n -> naive.forward(row(x, n, in), weight, bias));
            Numbers.assertClose("output of " + module, evaluation.output().toDoubleArray(), expected, TOLERANCE);
            Tensor cotangents = backend.upload(scope, out.prepend(columns, samples), DType.FLOAT64, d);
            Pullback pullback = evaluation.pullback(context, cotangents);
            double[] inputs = perSample(columns, n -> naive.inputGradient(weight, row(d, n, out)));
            Numbers.assertClose("input of " + module, pullback.input(0).toDoubleArray(), inputs, TOLERANCE);
            double[] weights = perSample(columns, n -> naive.weightGradient(row(x, n % samples, in), row(d, n, out)));
            contractions(backend, pullback, "weight", new GradientOracle(columns, samples, weightShape, weights));
            if (bias != null) {
                double[] biases = perSample(columns, n -> naive.biasGradient(row(d, n, out)));
                Shape shape = Shape.of(bias.length);
                contractions(backend, pullback, "bias", new GradientOracle(columns, samples, shape, biases));
            }
        }
    }

    private void contractions(HeapBackend backend, Pullback pullback, String name, GradientOracle oracle) {
        new ContractionChecks(backend, pullback.parameter(name), oracle, random, TOLERANCE).run();
    }

    private interface Sample {
        double[] of(int number);
    }

    private double[] perSample(int columns, Sample sample) {
        return IntStream.range(0, columns * samples)
                .mapToObj(sample::of)
                .flatMapToDouble(Arrays::stream)
                .toArray();
    }

    private static double[] row(double[] all, int number, Shape shape) {
        int size = (int) shape.elements();
        return Arrays.copyOfRange(all, number * size, (number + 1) * size);
    }

    private double[] numbers(long count) {
        return Randomness.normal(random, count);
    }
}
