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
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.DataSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * What training samples did to a trained model's losses: P. W. Koh, P. Liang (2017), "Understanding black-box
 * predictions via influence functions".
 *
 * <p>The score of training sample n for test sample t is −g_tᵀ (B + λI)⁻¹ g_n. B is a curvature of the loss over all
 * training data, reduced as the model's loss is; g_n is what the sample adds to the gradient of that loss, so 1/N of
 * its own for means; g_t is the gradient of the test sample's own loss, that of a batch of one. The score is
 * therefore the change of the test loss, to first order, if the sample counted twice, and minus the score if it were
 * left out, for means and sums alike. Koh and Liang's number is N times as much for means.
 *
 * <p>Modules work in {@link Mode#EVAL}. The model's numbers must not change while this is open. Used by one thread;
 * refers to the model and the data, and owns the inverse.
 *
 * <pre>{@code
 * CurvatureExtension<?> curvature = (CurvatureExtension<?>) backpack.catalog().extension("KFLR", Map.of());
 * try (Influence influence = Influence.of(backpack, model, curvature, 1e-3, training)) {
 *     List<Influential> ofFirst = influence.topK(test, 10).get(0);
 * }
 * }</pre>
 */
public final class Influence implements AutoCloseable {

    private static final int BATCH = 256;
    private static final PassOptions EVALUATION = PassOptions.DEFAULT.mode(Mode.EVAL);

    private final BackPack backpack;
    private final Model model;
    private final TrainingData training;
    private final InverseCurvature inverse;

    private Influence(BackPack backpack, Model model, TrainingData training, InverseCurvature inverse) {
        this.backpack = backpack;
        this.model = model;
        this.training = training;
        this.inverse = inverse;
    }

    /**
     * With blocks of curvature, one per parameter, that an extension gives for all training data; in batches of 256.
     *
     * @param curvature such as KFAC, KFLR or DiagGGNExact
     * @param damping λ, at least 0; Kronecker factors share it
     * @param training stays the caller's, open as long as this
     * @throws BackpackException if something does not fit, or {@code NotPositiveDefinite} without enough damping
     */
    public static Influence of(
            BackPack backpack, Model model, CurvatureExtension<?> curvature, double damping, DataSource training) {
        return of(backpack, model, curvature, damping, training, BATCH);
    }

    /**
     * With blocks of curvature.
     *
     * @param batch training samples per pass; changes no number beyond rounding
     */
    public static Influence of(
            BackPack backpack,
            Model model,
            CurvatureExtension<?> curvature,
            double damping,
            DataSource training,
            int batch) {
        TrainingData data = new TrainingData(backpack, model.dtype(), training, batch);
        SessionOptions options = SessionOptions.DEFAULT.pass(EVALUATION);
        return new Influence(
                backpack, model, data, BlockInverse.fit(backpack, model, curvature, damping, data, options));
    }

    /**
     * With the whole matrix, between all parameters, solved by conjugate gradients for every test sample: for small
     * networks. Keeps all training data on the backend.
     *
     * @param matrix such as the Gauss-Newton matrix, or the Hessian where it is positive definite with the damping
     * @param damping λ, at least 0
     * @param training stays the caller's, open as long as this
     */
    public static Influence exact(
            BackPack backpack, Model model, CurvatureMatrix matrix, double damping, DataSource training) {
        TrainingData data = new TrainingData(backpack, model.dtype(), training, BATCH);
        return new Influence(
                backpack, model, data, OperatorInverse.of(backpack, model, matrix, damping, data, EVALUATION));
    }

    /**
     * With the leading eigenvectors of the whole matrix, by products with it (Lanczos), and λ beside them: between
     * blocks and the exact inverse in what it sees, and as quick as a product with the eigenvectors for every test
     * sample. Takes all training data to the backend while the eigenvectors are looked for.
     *
     * @param matrix such as the Gauss-Newton matrix
     * @param rank how many eigenvectors are kept, at least 1
     * @param damping λ, above 0
     * @param training stays the caller's, open as long as this
     * @throws BackpackException if something does not fit, or the eigenvectors are not found
     */
    public static Influence lowRank(
            BackPack backpack, Model model, CurvatureMatrix matrix, int rank, double damping, DataSource training) {
        TrainingData data = new TrainingData(backpack, model.dtype(), training, BATCH);
        return new Influence(
                backpack, model, data, LowRankInverse.of(backpack, model, matrix, rank, damping, data, EVALUATION));
    }

    /**
     * Writes random projections of what every training sample adds to the gradient, for {@link #scores(Batch,
     * GradientStore)}. The inverse has no part in it. Goes through the training data once for every block of
     * directions, of at most 2²³ numbers, or one direction, and once before.
     *
     * @param file replaced when all is written
     * @param dimension K, how many numbers are kept of a sample, at least 1: errors of scores fall with its root
     * @param seed of the directions
     * @throws BackpackException if the file cannot be written
     */
    public void writeStore(Path file, int dimension, long seed) {
        if (dimension < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "A gradient store of %d numbers per sample was asked for, but 1 is the least."
                            .formatted(dimension));
        }
        double[] factors = new double[training.count()];
        long[][] ids = new long[factors.length][];
        for (int number = 0; number < factors.length; number++) {
            try (Batch batch = training.upload(number)) {
                factors[number] = factor(batch.samples(), batch.targets());
                ids[number] = batch.sampleIds();
            }
        }
        long[] all = Arrays.stream(ids).flatMapToLong(Arrays::stream).toArray();
        StoreWriter writer = new StoreWriter(backpack, model, new Signs(seed), EVALUATION);
        GradientStore.write(
                file,
                dimension,
                seed,
                Fingerprint.of(model),
                all,
                store -> writer.fill(store, training, ratios(factors)));
    }

    /**
     * Estimates of {@link #scores(Batch)} from a store, without going through the training data: −⟨R v_t, R g_n⟩ / K,
     * v_t being the solution for the test sample. They are right in the mean over seeds, and deviate by about
     * √(‖v_t‖² ‖g_n‖² + ⟨v_t, g_n⟩²) / √K.
     *
     * @param test T samples
     * @return {@code [T][N]}
     * @throws BackpackException if the store is of another model's numbers
     */
    public double[][] scores(Batch test, GradientStore store) {
        String fingerprint = Fingerprint.of(model);
        if (!fingerprint.equals(store.fingerprint())) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The gradient store is of a model with numbers %s…, but this one's are %s…. Write it again with writeStore."
                            .formatted(store.fingerprint().substring(0, 8), fingerprint.substring(0, 8)));
        }
        double[][] projected;
        try (TensorScope scope = backpack.backend().openScope()) {
            Map<String, Tensor> solved = inverse.solve(scope, ownGradients(scope, test));
            StoreWriter writer = new StoreWriter(backpack, model, new Signs(store.seed()), EVALUATION);
            projected = writer.projected(solved, store.dimension());
        }
        double[][] scores = new double[projected.length][store.samples()];
        for (int t = 0; t < scores.length; t++) {
            for (int n = 0; n < store.samples(); n++) {
                scores[t][n] = -store.dot(n, projected[t]);
            }
        }
        return scores;
    }

    /**
     * The training samples with the largest estimates by absolute value; see {@link #topK(Batch, int)} and {@link
     * #scores(Batch, GradientStore)}.
     *
     * @param test T samples
     * @param k how many, at least 1; all if there are fewer
     */
    public List<List<Influential>> topK(Batch test, int k, GradientStore store) {
        requireSome(k);
        return top(new Scored(store.ids(), scores(test, store)), k);
    }

    /**
     * Scores of all training samples, in the order of the source. Takes the test samples' gradients into memory, {@code
     * [T, P]} twice, and makes one pass over the training data without gradients of single samples.
     *
     * @param test T samples
     * @return {@code [T][N]}
     * @throws BackpackException {@code NotPositiveDefinite} if the exact inverse was not found
     */
    public double[][] scores(Batch test) {
        return scored(test).scores();
    }

    /**
     * The training samples with the largest scores by absolute value, largest first; equal ones in the order of the
     * source.
     *
     * @param test T samples
     * @param k how many, at least 1; all if there are fewer
     * @return k samples for each of the T
     */
    public List<List<Influential>> topK(Batch test, int k) {
        requireSome(k);
        return top(scored(test), k);
    }

    private static void requireSome(int k) {
        if (k < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT, "topK was asked for %d samples, but 1 is the least.".formatted(k));
        }
    }

    private static List<List<Influential>> top(Scored scored, int k) {
        List<List<Influential>> top = new ArrayList<>();
        for (double[] row : scored.scores()) {
            List<Influential> all = new ArrayList<>();
            for (int n = 0; n < row.length; n++) {
                all.add(new Influential(scored.ids()[n], row[n]));
            }
            all.sort(Comparator.comparingDouble((Influential one) -> -Math.abs(one.score())));
            top.add(List.copyOf(all.subList(0, Math.min(k, all.size()))));
        }
        return top;
    }

    /**
     * g_nᵀ (B + λI)⁻¹ g_n, n's own g on both sides being what it adds to the gradient of the training loss: large for
     * samples that the model fits in spite of all others, such as those with wrong labels. In the order of the source.
     * Takes the gradients of one batch of single samples at a time.
     *
     * @return {@code [N]}, at least 0
     */
    public double[] selfInfluence() {
        int count = training.count();
        double[][] ofBatches = new double[count][];
        double[] factors = new double[count];
        for (int number = 0; number < count; number++) {
            try (Batch batch = training.upload(number);
                    TensorScope scope = backpack.backend().openScope()) {
                factors[number] = factor(batch.samples(), batch.targets());
                Map<String, Tensor> gradients = gradients(scope, batch);
                Map<String, Tensor> solved = inverse.solve(scope, gradients);
                ofBatches[number] = rowDots(gradients, solved, Math.toIntExact(batch.samples()));
            }
        }
        double[] ratios = ratios(factors);
        for (int number = 0; number < count; number++) {
            for (int n = 0; n < ofBatches[number].length; n++) {
                ofBatches[number][n] *= ratios[number] * ratios[number];
            }
        }
        return Arrays.stream(ofBatches).flatMapToDouble(Arrays::stream).toArray();
    }

    private record Scored(long[] ids, double[][] scores) {}

    private Scored scored(Batch test) {
        Projections projections = new Projections(Math.toIntExact(test.samples()));
        int count = training.count();
        double[][][] ofBatches = new double[count][][];
        long[][] ids = new long[count][];
        double[] factors = new double[count];
        try (TensorScope scope = backpack.backend().openScope()) {
            RunOperands operands = RunOperands.NONE;
            for (Map.Entry<String, Tensor> solved :
                    inverse.solve(scope, ownGradients(scope, test)).entrySet()) {
                operands = operands.with(Projections.VECTORS, solved.getKey(), solved.getValue());
            }
            for (int number = 0; number < count; number++) {
                try (Batch batch = training.upload(number)) {
                    ids[number] = batch.sampleIds();
                    factors[number] = factor(batch.samples(), batch.targets());
                    ofBatches[number] = projected(projections, batch, operands);
                }
            }
        }
        return new Scored(
                Arrays.stream(ids).flatMapToLong(Arrays::stream).toArray(), joined(ofBatches, ratios(factors)));
    }

    /** −⟨v_t, g_n⟩ over all parameters, {@code [T][N]}. */
    private double[][] projected(Projections projections, Batch batch, RunOperands operands) {
        double[][] scores = new double[projections.count()][Math.toIntExact(batch.samples())];
        RunOptions run = RunOptions.seed(0).operands(operands);
        try (Results results = backpack.plan(model, batch, List.of(Request.of(projections)), EVALUATION)
                .run(batch, run)) {
            for (String parameter : model.parameters().trainable()) {
                subtract(scores, results.get(projections, parameter).toDoubleArray());
            }
        }
        return scores;
    }

    /** By what each batch's gradients are multiplied to be shares of the loss over all data. */
    private double[] ratios(double[] factors) {
        double all = factors.length == 1 ? factors[0] : model.loss().normaliserOfAll(factors);
        return Arrays.stream(factors).map(factor -> all / factor).toArray();
    }

    private static double[][] joined(double[][][] ofBatches, double[] ratios) {
        double[][] joined = new double[ofBatches[0].length][];
        for (int t = 0; t < joined.length; t++) {
            int row = t;
            joined[t] = IntStream.range(0, ofBatches.length)
                    .boxed()
                    .flatMapToDouble(b -> Arrays.stream(ofBatches[b][row]).map(score -> score * ratios[b]))
                    .toArray();
        }
        return joined;
    }

    private static void subtract(double[][] scores, double[] dots) {
        for (int t = 0; t < scores.length; t++) {
            double[] row = scores[t];
            for (int n = 0; n < row.length; n++) {
                row[n] -= dots[t * row.length + n];
            }
        }
    }

    /** What samples add to the gradient of their batch, {@code [N, *p]} by parameter. */
    private Map<String, Tensor> gradients(TensorScope scope, Batch batch) {
        SampleGradients extension = new SampleGradients();
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        try (Results results = backpack.plan(model, batch, List.of(Request.of(extension)), EVALUATION)
                .run(batch, RunOptions.seed(0))) {
            for (String parameter : model.parameters().trainable()) {
                Shape shape = model.parameters().spec(parameter).shape().prepend(batch.samples());
                Tensor copy = scope.allocate(shape, model.dtype());
                try (TensorScope step = backpack.backend().openScope()) {
                    Tensor rows = step.view(results.get(extension, parameter), shape);
                    backpack.backend().elementwise().copy(rows, copy);
                }
                gradients.put(parameter, copy);
            }
        }
        return gradients;
    }

    /** Gradients of each sample's own loss, that of a batch of one. */
    private Map<String, Tensor> ownGradients(TensorScope scope, Batch test) {
        Map<String, Tensor> gradients = gradients(scope, test);
        int samples = Math.toIntExact(test.samples());
        double ofBatch = factor(samples, test.targets());
        double[] ratios = new double[samples];
        try (TensorScope step = backpack.backend().openScope()) {
            for (int t = 0; t < samples; t++) {
                ratios[t] = factor(1, step.rows(test.targets(), t, t + 1)) / ofBatch;
            }
            for (Tensor gradient : gradients.values()) {
                Shape stretched = Shape.of(samples, 1);
                Tensor scale = backpack.backend().upload(step, stretched, model.dtype(), ratios);
                Tensor rows = step.view(gradient, Rows.flat(gradient, samples));
                backpack.backend().elementwise().combine(BinaryOperation.MULTIPLY, rows, scale, rows);
            }
        }
        return gradients;
    }

    /** The loss's factor c of a batch. */
    private double factor(long samples, Tensor targets) {
        return model.loss().normaliser(model.outputShape().prepend(samples), targets);
    }

    /** Σ over parameters of inner products of rows, {@code [N]}. */
    private double[] rowDots(Map<String, Tensor> left, Map<String, Tensor> right, int samples) {
        double[] total = new double[samples];
        left.forEach((parameter, own) ->
                Rows.addDots(backpack.backend(), own, Objects.requireNonNull(right.get(parameter), parameter), total));
        return total;
    }

    /** Returns the memory of the inverse. */
    @Override
    public void close() {
        inverse.close();
    }
}
