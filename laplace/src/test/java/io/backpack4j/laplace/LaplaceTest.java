// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.BCEWithLogitsLoss;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.data.Subset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.hipparchus.linear.RealMatrix;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Posteriors against dense algebra in plain loops, on networks of random sizes. */
class LaplaceTest {

    private static final double TOLERANCE = 1e-8;
    private static final BackPack BACKPACK = BackPack.create();

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        BACKPACK.close();
    }

    /** A network with data. */
    private static final class Case implements AutoCloseable {

        final DenseOracle oracle;
        final double[][] inputs;
        final double[][] targets;
        final ArraySource data;
        final Model model;
        final Batch test;
        final double[][] tested;

        Case(long seed, boolean classes) {
            Random random = new Random(seed);
            int in = 1 + random.nextInt(4);
            int hidden = 1 + random.nextInt(5);
            int out = (classes ? 2 : 1) + random.nextInt(3);
            int samples = 5 + random.nextInt(20);
            oracle = new DenseOracle(in, hidden, out, classes, random);
            inputs = points(random, samples, in);
            targets = new double[samples][];
            for (int n = 0; n < samples; n++) {
                targets[n] = classes
                        ? new double[] {random.nextInt(out)}
                        : random.doubles(out, -2, 2).toArray();
            }
            double[] flat = flat(targets);
            HostTensor labels = classes
                    ? new HostTensor.Longs(
                            Shape.of(samples),
                            Arrays.stream(flat).mapToLong(value -> (long) value).toArray())
                    : new HostTensor.Doubles(Shape.of(samples, out), flat);
            data = ArraySource.of(new HostTensor.Doubles(Shape.of(samples, in), flat(inputs)), labels);
            Loss loss = classes ? new CrossEntropyLoss() : new MSELoss();
            model = network(oracle, loss);
            tested = points(random, 3, in);
            test = BACKPACK.batch(DType.FLOAT64)
                    .input(Graph.INPUT, Shape.of(3, in), flat(tested))
                    .build();
        }

        @Override
        public void close() {
            test.close();
            model.close();
        }
    }

    private static Model network(DenseOracle oracle, Loss loss) {
        Graph graph = Graph.sequential(
                new Linear(oracle.in, oracle.hidden), new Tanh(), new Linear(oracle.hidden, oracle.out));
        Model model = BACKPACK.model(graph, loss, DType.FLOAT64, Shape.of(oracle.in));
        String[] names = {"0.weight", "0.bias", "2.weight", "2.bias"};
        for (int i = 0; i < names.length; i++) {
            model.parameters().set(names[i], oracle.parameter(i));
        }
        return model;
    }

    private static double[][] points(Random random, int count, int size) {
        double[][] points = new double[count][];
        for (int n = 0; n < count; n++) {
            points[n] = random.doubles(size, -2, 2).toArray();
        }
        return points;
    }

    private static double[] flat(double[][] rows) {
        return Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    }

    @ParameterizedTest
    @EnumSource
    void posteriors_are_those_of_dense_matrices(Structure structure) {
        for (long seed = 1; seed <= 6; seed++) {
            for (boolean last : new boolean[] {false, true}) {
                try (Case the = new Case(seed, seed % 2 == 0)) {
                    Laplace builder = Laplace.builder(BACKPACK, the.model)
                            .structure(structure)
                            .batch(4);
                    Posterior posterior =
                            (last ? builder.lastLayer() : builder).fit(the.data).withPriorPrecision(0.3 * seed);
                    if (!the.oracle.classes) {
                        posterior = posterior.withSigma(0.7);
                    }
                    check("seed %d, last %s".formatted(seed, last), the, posterior, last);
                }
            }
        }
    }

    private static void check(String name, Case the, Posterior posterior, boolean last) {
        DenseOracle oracle = the.oracle;
        int start = last ? oracle.starts()[2] : 0;
        double scale = oracle.classes ? 1 : 1 / (2 * 0.7 * 0.7);
        RealMatrix precision = DenseOracle.plus(
                DenseOracle.from(oracle.curvature(the.inputs, posterior.structure()), start)
                        .scalarMultiply(scale),
                posterior.priorPrecision());
        double[] eigenvalues = DenseOracle.eigenvalues(precision);
        assertThat(posterior.precisionEigenvalues()).as(name).containsExactly(eigenvalues, within(TOLERANCE));
        double likelihood = 0;
        for (int n = 0; n < the.inputs.length; n++) {
            double loss = oracle.loss(the.inputs[n], the.targets[n]);
            likelihood -= oracle.classes ? loss : loss * scale + oracle.out * Math.log(0.7 * Math.sqrt(2 * Math.PI));
        }
        double norm = 0;
        for (int i = start; i < oracle.parameters.length; i++) {
            norm += oracle.parameters[i] * oracle.parameters[i];
        }
        double determinants = Arrays.stream(eigenvalues)
                .map(value -> Math.log(value / posterior.priorPrecision()))
                .sum();
        assertThat(posterior.logMarginalLikelihood())
                .as(name)
                .isCloseTo(likelihood - (determinants + posterior.priorPrecision() * norm) / 2, within(TOLERANCE));
        Predictive predictive = posterior.predict(the.test);
        RealMatrix inverse = DenseOracle.inverse(precision);
        for (int n = 0; n < the.tested.length; n++) {
            RealMatrix all = oracle.jacobian(the.tested[n]);
            RealMatrix j = all.getSubMatrix(0, oracle.out - 1, start, all.getColumnDimension() - 1);
            RealMatrix expected = j.multiply(inverse).multiply(j.transpose());
            for (int c = 0; c < oracle.out; c++) {
                assertThat(predictive.mean()[n * oracle.out + c])
                        .isCloseTo(oracle.output(the.tested[n])[c], within(TOLERANCE));
                for (int d = 0; d < oracle.out; d++) {
                    assertThat(predictive.covariance()[(n * oracle.out + c) * oracle.out + d])
                            .as(name)
                            .isCloseTo(expected.getEntry(c, d), within(TOLERANCE));
                }
            }
        }
    }

    @Test
    void a_low_rank_keeps_the_leading_eigenvectors() {
        try (Case the = new Case(4, true)) {
            Posterior posterior = Laplace.builder(BACKPACK, the.model)
                    .structure(Structure.LOW_RANK)
                    .rank(3)
                    .fit(the.data);
            double[] all = DenseOracle.eigenvalues(the.oracle.curvature(the.inputs, Structure.FULL));
            for (int i = 0; i < all.length; i++) {
                all[i] = (i < all.length - 3 ? 0 : all[i]) + 1;
            }
            assertThat(posterior.precisionEigenvalues()).containsExactly(all, within(TOLERANCE));
        }
    }

    @ParameterizedTest
    @EnumSource
    void batches_merging_and_files_change_nothing(Structure structure) {
        try (Case the = new Case(7, true)) {
            Laplace builder =
                    Laplace.builder(BACKPACK, the.model).structure(structure).parameters("0.weight", "2.*");
            Posterior whole = builder.batch(100).fit(the.data);
            Posterior batches = builder.batch(3).fit(the.data);
            Posterior merged = builder.fit(new Subset(the.data, 0, 2))
                    .merge(builder.fit(new Subset(the.data, 2, the.data.samples())));
            double[] expected = whole.predict(the.test).covariance();
            for (Posterior other : new Posterior[] {batches, merged}) {
                assertThat(other.samples()).isEqualTo(the.data.samples());
                assertThat(other.predict(the.test).covariance()).containsExactly(expected, within(1e-10));
                assertThat(other.logMarginalLikelihood()).isCloseTo(whole.logMarginalLikelihood(), within(1e-10));
            }
            Path file = folder.resolve(structure + ".safetensors");
            Posterior saved = whole.withPriorPrecision(1.0 / 3);
            saved.save(file);
            Posterior loaded = Posterior.load(BACKPACK, the.model, file);
            assertThat(loaded).hasToString(saved.toString());
            assertThat(loaded.predict(the.test).covariance())
                    .isEqualTo(saved.predict(the.test).covariance());
            assertThat(loaded.logMarginalLikelihood()).isEqualTo(saved.logMarginalLikelihood());
        }
    }

    @Test
    void the_best_prior_precision_has_the_greatest_marginal_likelihood() {
        for (Structure structure : Structure.values()) {
            try (Case the = new Case(9, false)) {
                Posterior best = Laplace.builder(BACKPACK, the.model)
                        .structure(structure)
                        .fit(the.data)
                        .withOptimizedPriorPrecision();
                double delta = best.priorPrecision();
                for (double factor : new double[] {0.5, 0.99, 1.01, 2}) {
                    assertThat(best.withPriorPrecision(delta * factor).logMarginalLikelihood())
                            .isLessThan(best.logMarginalLikelihood());
                }
            }
        }
    }

    @Test
    void drawn_probabilities_approach_those_of_many_draws_and_links_know_certainty() {
        try (Case the = new Case(4, true)) {
            Posterior posterior = Laplace.builder(BACKPACK, the.model).fit(the.data);
            Predictive predictive = posterior.predict(the.test);
            double[] drawn = predictive.monteCarlo(20_000, 1);
            assertThat(predictive.monteCarlo(20_000, 1)).isEqualTo(drawn);
            assertThat(predictive.monteCarlo(20_000, 2)).containsExactly(drawn, within(0.02));
            assertThat(predictive.probit()).containsExactly(drawn, within(0.1));
            double[] certain =
                    posterior.withPriorPrecision(1e12).predict(the.test).probit();
            double[] plain = new double[certain.length];
            for (int n = 0; n < the.tested.length; n++) {
                double[] p = DenseOracle.softmax(the.oracle.output(the.tested[n]));
                System.arraycopy(p, 0, plain, n * p.length, p.length);
            }
            assertThat(certain).containsExactly(plain, within(1e-9));
            assertThat(posterior.withPriorPrecision(1e12).predict(the.test).monteCarlo(10, 3))
                    .containsExactly(plain, within(1e-4));
        }
    }

    @Test
    void yes_or_no_has_the_sigmoid_and_its_curvature() {
        Random random = new Random(5);
        DenseOracle oracle = new DenseOracle(2, 3, 1, false, random);
        double[][] inputs = points(random, 6, 2);
        ArraySource data = ArraySource.of(
                new HostTensor.Doubles(Shape.of(6, 2), flat(inputs)),
                new HostTensor.Doubles(Shape.of(6, 1), new double[] {0, 1, 1, 0, 1, 0}));
        try (Model model = network(oracle, new BCEWithLogitsLoss());
                Batch test = BACKPACK.batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(6, 2), flat(inputs))
                        .build()) {
            Predictive predictive = Laplace.builder(BACKPACK, model)
                    .structure(Structure.FULL)
                    .fit(data)
                    .predict(test);
            RealMatrix precision =
                    DenseOracle.plus(oracle.curvature(inputs, Structure.FULL).scalarMultiply(0), 1);
            for (double[] x : inputs) {
                double p = 1 / (1 + Math.exp(-oracle.output(x)[0]));
                RealMatrix j = oracle.jacobian(x);
                precision = precision.add(j.transpose().multiply(j).scalarMultiply(p * (1 - p)));
            }
            for (int n = 0; n < inputs.length; n++) {
                RealMatrix j = oracle.jacobian(inputs[n]);
                double variance = j.multiply(DenseOracle.inverse(precision))
                        .multiply(j.transpose())
                        .getEntry(0, 0);
                assertThat(predictive.covariance()[n]).isCloseTo(variance, within(TOLERANCE));
                double logit = oracle.output(inputs[n])[0] / Math.sqrt(1 + Math.PI / 8 * variance);
                assertThat(predictive.probit()[n]).isCloseTo(1 / (1 + Math.exp(-logit)), within(TOLERANCE));
            }
        }
    }

    @Test
    void validation_finds_the_candidate_that_predicts_best() {
        for (boolean classes : new boolean[] {true, false}) {
            try (Case the = new Case(classes ? 4 : 5, classes)) {
                Posterior posterior = Laplace.builder(BACKPACK, the.model).fit(the.data);
                double[] candidates = {0.01, 0.1, 1, 10, 100};
                Posterior best = posterior.withValidatedPriorPrecision(the.data, 3, candidates);
                double least = best.negativeLogLikelihood(the.data, 100);
                for (double candidate : candidates) {
                    assertThat(posterior.withPriorPrecision(candidate).negativeLogLikelihood(the.data, 100))
                            .isGreaterThanOrEqualTo(least - 1e-12);
                }
                double sum = 0;
                for (int n = 0; n < the.inputs.length; n++) {
                    double loss = the.oracle.loss(the.inputs[n], the.targets[n]);
                    sum += classes ? loss : loss / 2 + the.oracle.out * Math.log(2 * Math.PI) / 2;
                }
                assertThat(posterior.withPriorPrecision(1e12).negativeLogLikelihood(the.data, 4))
                        .isCloseTo(sum / the.inputs.length, within(1e-9));
            }
        }
    }

    @Test
    void float32_is_close_to_float64() {
        try (Case the = new Case(8, true);
                Model single = BACKPACK.model(
                        the.model.graph(), new CrossEntropyLoss(), DType.FLOAT32, Shape.of(the.oracle.in))) {
            for (String name : the.model.parameters().names()) {
                single.parameters().set(name, the.model.parameters().get(name).toDoubleArray());
            }
            for (Structure structure : Structure.values()) {
                double[] expected = Laplace.builder(BACKPACK, the.model)
                        .structure(structure)
                        .fit(the.data)
                        .predict(the.test)
                        .covariance();
                assertThat(Laplace.builder(BACKPACK, single)
                                .structure(structure)
                                .fit(the.data)
                                .predict(the.test)
                                .covariance())
                        .containsExactly(expected, within(1e-4));
            }
        }
    }

    @Test
    void what_does_not_fit_is_refused() throws Exception {
        try (Case the = new Case(6, true);
                Case regression = new Case(5, false)) {
            Laplace builder = Laplace.builder(BACKPACK, the.model);
            Posterior posterior = builder.fit(the.data);
            refused("must be a finite number above 0", () -> posterior.withPriorPrecision(-1));
            refused("A deviation σ is of regression", () -> posterior.withSigma(2));
            refused(
                    "No trained parameter matches [9.*]",
                    () -> builder.parameters("9.*", "0.*").fit(the.data));
            refused("differ", () -> posterior.merge(builder.parameters("0.*").fit(the.data)));
            refused(
                    "Probabilities are not possible for REGRESSION",
                    () -> Laplace.builder(BACKPACK, regression.model)
                            .fit(regression.data)
                            .predict(regression.test)
                            .probit());
            Loss smoothed =
                    BACKPACK.catalog().loss(new LossDescription("CrossEntropyLoss", Map.of("label_smoothing", 0.1)));
            try (Model other = network(the.oracle, smoothed)) {
                refused(
                        "no negative log-likelihood",
                        () -> Laplace.builder(BACKPACK, other).fit(the.data));
            }
            Path file = folder.resolve("posterior.safetensors");
            posterior.save(file);
            Path broken = folder.resolve("broken.safetensors");
            byte[] bytes = Files.readAllBytes(file);
            Files.write(broken, Arrays.copyOf(bytes, bytes.length - 8));
            assertThatThrownBy(() -> Posterior.load(BACKPACK, the.model, broken))
                    .isInstanceOf(BackpackException.class);
            the.model.parameters().set("2.bias", new double[the.oracle.out]);
            refused("numbers are not those", () -> posterior.predict(the.test));
            refused("numbers are not those", posterior::logMarginalLikelihood);
            refused("numbers are not those", () -> Posterior.load(BACKPACK, the.model, file));
        }
        try (Model wide = BACKPACK.model(
                Graph.sequential(new Linear(70, 70)), new CrossEntropyLoss(), DType.FLOAT32, Shape.of(70))) {
            refused(
                    "full matrix of 4970 parameters",
                    () -> Laplace.builder(BACKPACK, wide)
                            .structure(Structure.FULL)
                            .fit(ArraySource.of(Shape.of(70), new float[70], 0)));
        }
    }

    private static void refused(String message, Runnable what) {
        assertThatThrownBy(what::run).isInstanceOf(BackpackException.class).hasMessageContaining(message);
    }

    @Test
    void calibration_is_that_of_an_example_by_hand() {
        double[] probabilities = {0.9, 0.1, 0.9, 0.1, 0.4, 0.6, 0.35, 0.65};
        Calibration calibration = Calibration.of(probabilities, new long[] {0, 1, 1, 1});
        double nll = -(Math.log(0.9) + Math.log(0.1) + Math.log(0.6) + Math.log(0.65)) / 4;
        assertThat(calibration.negativeLogLikelihood()).isCloseTo(nll, within(1e-12));
        assertThat(calibration.accuracy()).isEqualTo(0.75);
        // Bins (0.867, 0.933] with two samples, (0.533, 0.6] and (0.6, 0.667] with one each.
        assertThat(calibration.expectedError()).isCloseTo((2 * 0.4 + 0.4 + 0.35) / 4, within(1e-12));
        assertThat(calibration.bins()).hasSize(15);
        assertThat(calibration.bins().get(13)).isEqualTo(new Calibration.Bin(2, 0.9, 0.5));
        refused("has class 2", () -> Calibration.of(probabilities, new long[] {0, 1, 1, 2}));
        try (Case the = new Case(6, true)) {
            Calibration ofModel =
                    Laplace.builder(BACKPACK, the.model).fit(the.data).calibration(the.data, 4, Predictive::probit);
            assertThat(ofModel.bins().stream()
                            .mapToLong(Calibration.Bin::samples)
                            .sum())
                    .isEqualTo(the.data.samples());
        }
    }
}
