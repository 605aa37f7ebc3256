// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Ends a run when gradients are no more than the noise that the choice of samples makes; needs no held-out data. M.
 * Mahsereci, L. Balles, C. Lassner, P. Hennig (2017), "Early Stopping without a Validation Set": 1 − N · mean_j μ_j² /
 * (s_j² + ε) over all trained elements j, μ being the mean and s² the unbiased variance of the N samples' gradients,
 * as a mean loss has them. Above 0 one may stop; single steps exceed 0 from the start, so that the mean over a window
 * is taken.
 *
 * <p>Logs the number of every step as {@value #LABEL}. Costs what {@code Variance} costs in the pass of every step.
 * Batches of one sample have no variance and do not count.
 */
public final class EvidenceStopping implements TrainingListener {

    /** The label of the criterion in logs. */
    public static final String LABEL = "Evidence";

    /** Keeps elements without variance from counting; Cockpit's. */
    private static final double EPSILON = 1e-5;

    private static final CentredSquares SQUARES = new CentredSquares();

    private final long patience;
    private final OptionalLong window;
    private @Nullable Training training;
    private double sum;
    private long counted;
    private long steps;
    private long above;

    /** Ends the run after so many windows in a row whose mean is above 0, a window being an epoch. */
    public EvidenceStopping(long patience) {
        this(patience, OptionalLong.empty());
    }

    /** Ends the run after so many windows of so many steps in a row whose mean is above 0. */
    public EvidenceStopping(long patience, long window) {
        this(patience, OptionalLong.of(window));
    }

    private EvidenceStopping(long patience, OptionalLong window) {
        if (patience < 1 || window.orElse(1) < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "Stopping by evidence has a patience of %d and windows of %d steps, but both must be at least 1."
                            .formatted(patience, window.orElse(1)));
        }
        this.patience = patience;
        this.window = window;
    }

    @Override
    public void onStart(Training run) {
        training = run;
    }

    private Training training() {
        return Objects.requireNonNull(training, "training");
    }

    @Override
    public void prepare(PassPreparation pass) {
        pass.request(Request.of(SQUARES).only(training().parameters().toArray(String[]::new)));
    }

    @Override
    public void onTrainingBatch(TrainingStep step) {
        if (step.batch().samples() > 1 && Double.isFinite(step.loss())) {
            double criterion = criterion(step);
            training().log().step(step.number(), Map.of(LABEL, criterion), Map.of());
            sum += criterion;
            counted++;
        }
        steps++;
        if (steps == window.orElse(training().batchesPerEpoch())) {
            endWindow();
        }
    }

    private void endWindow() {
        if (counted == 0) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "Stopping by evidence needs the variance of gradients, but all batches have one sample. Take larger batches.");
        }
        double mean = sum / counted;
        above = mean > 0 ? above + 1 : 0;
        if (above >= patience) {
            training()
                    .stop("the evidence criterion was above 0 over %d windows, %.3g in the last"
                            .formatted(above, mean));
        }
        sum = 0;
        counted = 0;
        steps = 0;
    }

    private double criterion(TrainingStep step) {
        Backend backend = training().backpack().backend();
        double samples = step.batch().samples();
        Loss loss = training().model().loss();
        Shape output = step.results().output().shape();
        double ofBatch = loss.meanNormaliser(output, step.batch().targets())
                / loss.normaliser(output, step.batch().targets());
        double ofSample = samples * ofBatch;
        double total = 0;
        double elements = 0;
        for (String parameter : training().parameters()) {
            try (TensorScope scope = backend.openScope()) {
                Tensor gradient = step.results().gradient(parameter);
                Tensor ratio = scope.allocate(gradient.shape(), gradient.dtype());
                Tensor squares = step.results().get(SQUARES, parameter);
                backend.elementwise().affine(squares, ofSample * ofSample / (samples - 1), EPSILON, ratio);
                backend.elementwise().combine(BinaryOperation.DIVIDE, gradient, ratio, ratio);
                Shape row = Shape.of(1, gradient.shape().elements());
                Tensor dot = scope.allocate(Shape.of(1), gradient.dtype());
                backend.contractions().rowDots(scope.view(gradient, row), scope.view(ratio, row), dot);
                total += dot.item();
                elements += gradient.shape().elements();
            }
        }
        return 1 - samples * ofBatch * ofBatch * total / elements;
    }

    @Override
    public void save(State state) {
        state.put("sum", sum);
        state.put("counted", counted, steps, above);
    }

    @Override
    public void load(State state) {
        sum = state.number("sum");
        long[] counts = state.integers("counted");
        counted = counts[0];
        steps = counts[1];
        above = counts[2];
    }
}
