// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.Conv2d;
import io.backpack4j.modules.conv.ConvTranspose;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.sequence.embedding.Embedding;
import io.backpack4j.modules.sequence.recurrent.LSTM;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.LongStream;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** J P⁻¹ Jᵀ of the pass against the Jacobian as a whole and dense inverses. */
class CovarianceTest {

    private static final double TOLERANCE = 1e-10;
    private static final int SAMPLES = 5;
    private static final int CLASSES = 3;
    private static final double PRECISION = 0.4;
    private static final BackPack BACKPACK = BackPack.create();

    @AfterAll
    static void close() {
        assertThat(BACKPACK.backend().memory().openTensors()).isZero();
        BACKPACK.close();
    }

    private static void check(Structure structure, Graph graph, Shape sample, HostTensor inputs) {
        HostTensor classes = new HostTensor.Longs(Shape.of(SAMPLES), new long[] {0, 1, 2, 1, 0});
        BatchBuilder builder = BACKPACK.batch(DType.FLOAT64);
        inputs.addAsInput(builder, Graph.INPUT);
        classes.addAsTargets(builder);
        try (Model model = BACKPACK.model(graph, new CrossEntropyLoss(), DType.FLOAT64, sample);
                Batch batch = builder.build()) {
            model.parameters().initialize(3);
            Posterior posterior = Laplace.builder(BACKPACK, model)
                    .structure(structure)
                    .rank(6)
                    .fit(ArraySource.of(inputs, classes))
                    .withPriorPrecision(PRECISION);
            double[] expected = dense(model, batch, posterior.curvature());
            assertThat(posterior.predict(batch).covariance()).containsExactly(expected, within(TOLERANCE));
        }
    }

    private static double[] dense(Model model, Batch batch, Curvature curvature) {
        OutputJacobian jacobian = new OutputJacobian();
        RealMatrix[] sums = new RealMatrix[SAMPLES];
        RealMatrix[] whole = new RealMatrix[SAMPLES];
        try (Results results = BACKPACK.compute(model, batch, jacobian)) {
            for (String name : model.parameters().trainable()) {
                OutputJacobian.Block block = results.get(jacobian, name);
                int size = (int) block.size();
                double[] rows = block.rows().toDoubleArray();
                for (int n = 0; n < SAMPLES; n++) {
                    RealMatrix own = new Array2DRowRealMatrix(CLASSES, size);
                    for (int i = 0; i < CLASSES * size; i++) {
                        own.setEntry(i / size, i % size, rows[(i / size * SAMPLES + n) * size + i % size]);
                    }
                    whole[n] = whole[n] == null ? own : beside(whole[n], own);
                    if (!(curvature instanceof EigenCurvature)) {
                        RealMatrix inverse = inverse(block(curvature, name, block));
                        RealMatrix part = own.multiply(inverse).multiply(own.transpose());
                        sums[n] = sums[n] == null ? part : sums[n].add(part);
                    }
                }
            }
        }
        double[] covariance = new double[SAMPLES * CLASSES * CLASSES];
        for (int n = 0; n < SAMPLES; n++) {
            RealMatrix found = sums[n];
            if (curvature instanceof EigenCurvature eigen) {
                int size = (int) eigen.roots().shape().size(1);
                RealMatrix roots = matrix(eigen.roots().values(), size);
                RealMatrix inverse = inverse(roots.transpose().multiply(roots));
                found = whole[n].multiply(inverse).multiply(whole[n].transpose());
            }
            for (int i = 0; i < CLASSES * CLASSES; i++) {
                covariance[n * CLASSES * CLASSES + i] = found.getEntry(i / CLASSES, i % CLASSES);
            }
        }
        return covariance;
    }

    private static RealMatrix inverse(RealMatrix matrix) {
        return DenseOracle.inverse(DenseOracle.plus(matrix, PRECISION));
    }

    private static RealMatrix beside(RealMatrix left, RealMatrix right) {
        RealMatrix both = new Array2DRowRealMatrix(CLASSES, left.getColumnDimension() + right.getColumnDimension());
        both.setSubMatrix(left.getData(), 0, 0);
        both.setSubMatrix(right.getData(), 0, left.getColumnDimension());
        return both;
    }

    private static RealMatrix matrix(double[] values, int columns) {
        RealMatrix matrix = new Array2DRowRealMatrix(values.length / columns, columns);
        for (int i = 0; i < values.length; i++) {
            matrix.setEntry(i / columns, i % columns, values[i]);
        }
        return matrix;
    }

    /** A parameter's block of the curvature, by the elements' places in {@code [G, L, O, I/L]}. */
    private static RealMatrix block(Curvature curvature, String name, OutputJacobian.Block block) {
        if (curvature instanceof DiagonalCurvature diagonal) {
            return MatrixUtils.createRealDiagonalMatrix(
                    Objects.requireNonNull(diagonal.diagonal().get(name)).values());
        }
        Map<String, KroneckerBlock> blocks = ((KroneckerCurvature) curvature).blocks();
        KroneckerBlock factors = Objects.requireNonNull(blocks.get(name));
        int size = (int) block.size();
        KroneckerSizes sizes = block.sizes().orElse(KroneckerSizes.matrix(size, 1));
        int outputs = (int) sizes.outputs();
        int inputs = (int) sizes.inputs();
        int inner = inputs / (int) sizes.leading();
        RealMatrix dense = new Array2DRowRealMatrix(size, size);
        for (int p = 0; p < size; p++) {
            for (int q = 0; q < size; q++) {
                int group = p / (outputs * inputs);
                if (group == q / (outputs * inputs)) {
                    int left = (group * outputs + p / inner % outputs) * outputs + q / inner % outputs;
                    int i = p / (inner * outputs) % (inputs / inner) * inner + p % inner;
                    int j = q / (inner * outputs) % (inputs / inner) * inner + q % inner;
                    dense.setEntry(p, q, factors.output().values()[left] * input(factors, sizes, group, i, j));
                }
            }
        }
        return dense;
    }

    private static double input(KroneckerBlock factors, KroneckerSizes sizes, int group, int i, int j) {
        Numbers input = factors.input();
        if (input == null) {
            return 1;
        }
        if (sizes.diagonalInputs()) {
            return i == j ? input.values()[i] : 0;
        }
        int inputs = (int) sizes.inputs();
        return input.values()[(group * inputs + i) * inputs + j];
    }

    private static HostTensor numbers(Shape sample, long seed) {
        Shape shape = sample.prepend(SAMPLES);
        return new HostTensor.Doubles(
                shape, new Random(seed).doubles(shape.elements(), -1, 1).toArray());
    }

    @ParameterizedTest
    @EnumSource
    void of_linear_networks_with_and_without_positions(Structure structure) {
        Graph plain = Graph.sequential(new Linear(4, 5), new Tanh(), new Linear(5, CLASSES));
        check(structure, plain, Shape.of(4), numbers(Shape.of(4), 1));
        Graph positions = Graph.sequential(new Linear(4, 3), new Tanh(), new Flatten(), new Linear(9, CLASSES));
        check(structure, positions, Shape.of(3, 4), numbers(Shape.of(3, 4), 2));
    }

    @ParameterizedTest
    @EnumSource
    void of_convolutional_networks(Structure structure) {
        Graph graph = Graph.sequential(
                Conv2d.of(2, 4, 2, 2).withGroups(2),
                new Tanh(),
                Conv2d.of(4, 3, 1, 1),
                ConvTranspose.of(2, 3, 2, 2, 2),
                new Flatten(),
                new Linear(18, CLASSES));
        check(structure, graph, Shape.of(2, 3, 3), numbers(Shape.of(2, 3, 3), 3));
    }

    @ParameterizedTest
    @EnumSource
    void of_recurrent_networks(Structure structure) {
        Graph graph = Graph.sequential(new Embedding(5, 2), new LSTM(2, 2), new Flatten(), new Linear(8, CLASSES));
        long[] tokens = new Random(4).longs(SAMPLES * 4, 0, 5).toArray();
        check(structure, graph, Shape.of(4), new HostTensor.Longs(Shape.of(SAMPLES, 4), tokens));
    }

    /** The Jacobian would be 200 · 10 · 257,290 numbers of eight bytes, 4 GB. */
    @Test
    void memory_is_far_less_than_the_jacobian() {
        Graph graph = Graph.sequential(new Linear(256, 960), new Tanh(), new Linear(960, 10));
        int samples = 200;
        ArraySource data = ArraySource.of(
                new HostTensor.Doubles(
                        Shape.of(samples, 256),
                        new Random(5).doubles(samples * 256, -1, 1).toArray()),
                new HostTensor.Longs(Shape.of(samples), new long[samples]));
        long[] all = LongStream.range(0, samples).toArray();
        try (Model model = BACKPACK.model(graph, new CrossEntropyLoss(), DType.FLOAT64, Shape.of(256));
                Batch batch = data.read(all, 1).upload(BACKPACK, DType.FLOAT64)) {
            model.parameters().initialize(1);
            for (var form : List.of(OutputCovariance.Form.DIAGONAL, OutputCovariance.Form.KRONECKER)) {
                Request<?> request = Request.of(new OutputCovariance(form, 0));
                long bytes = BACKPACK.plan(model, batch, List.of(request), PassOptions.DEFAULT)
                        .peakBytes();
                assertThat(bytes).isLessThan(200 << 20);
            }
        }
    }
}
