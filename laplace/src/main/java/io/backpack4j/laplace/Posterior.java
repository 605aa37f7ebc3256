// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.training.data.DataSource;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.hipparchus.analysis.solvers.BracketingNthOrderBrentSolver;

/**
 * A Gaussian over a network's parameters: its mean the trained ones, its precision P = s · H + δ I, see {@link
 * Laplace}.
 * Immutable, on the host; predictions use the model and the library that it was fitted with, which stay the caller's.
 * Used by one thread at a time.
 *
 * <p>The log marginal likelihood is log p(D | θ) − ½ (log det P − log det δI + δ ‖θ‖²) (MacKay 1992), θ being the
 * uncertain parameters.
 */
public final class Posterior {

    private static final double WIDEST = Math.log(1e12);
    private static final int MOST_EVALUATIONS = 500;
    private static final double ACCURACY = 1e-12;

    private final BackPack backpack;
    private final Model model;
    private final FittedModel about;
    private final Curvature curvature;
    private final double priorPrecision;
    private final double sigma;

    Posterior(
            BackPack backpack,
            Model model,
            FittedModel about,
            Curvature curvature,
            double priorPrecision,
            double sigma) {
        this.backpack = backpack;
        this.model = model;
        this.about = about;
        this.curvature = curvature;
        this.priorPrecision = positive("prior precision", priorPrecision);
        this.sigma = positive("deviation σ", sigma);
    }

    private static double positive(String what, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "The %s is %s, but must be a finite number above 0.".formatted(what, value));
        }
        return value;
    }

    /** The curvature H. */
    Curvature curvature() {
        return curvature;
    }

    /** The form of the precision. */
    public Structure structure() {
        return about.structure();
    }

    /** The distribution of targets. */
    public Likelihood likelihood() {
        return about.likelihood();
    }

    /** N, the number of samples it was fitted to. */
    public long samples() {
        return about.samples();
    }

    /** δ. */
    public double priorPrecision() {
        return priorPrecision;
    }

    /** σ, the deviation of targets in regression. */
    public double sigma() {
        return sigma;
    }

    /** With another prior precision δ, above 0. */
    public Posterior withPriorPrecision(double precision) {
        return new Posterior(backpack, model, about, curvature, precision, sigma);
    }

    /** With another deviation of targets, above 0; only for regression. */
    public Posterior withSigma(double deviation) {
        if (about.likelihood() != Likelihood.REGRESSION) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "A deviation σ is of regression; this posterior's likelihood is %s.".formatted(about.likelihood()));
        }
        return new Posterior(backpack, model, about, curvature, priorPrecision, deviation);
    }

    /** The log-likelihood of the data at the trained parameters, a sum over samples. */
    public double logLikelihood() {
        return about.likelihood()
                .logLikelihood(
                        about.loss(), about.samples(), model.outputShape().elements(), sigma);
    }

    /**
     * Approximation of log p(D), in nats, for all samples together. Greater is better.
     *
     * @throws BackpackException if the model's numbers are not those that the posterior was fitted to
     */
    public double logMarginalLikelihood() {
        requireSameModel();
        double scale = about.likelihood().curvatureScale(sigma);
        double determinants = 0;
        for (double eigenvalue : curvature.eigenvalues()) {
            determinants += Math.log1p(scale * eigenvalue / priorPrecision);
        }
        return logLikelihood() - (determinants + priorPrecision * squaredNorm()) / 2;
    }

    /** The number of parameters that the data determine, γ = Σ λ / (λ + δ) over the eigenvalues λ of s · H. */
    public double effectiveParameters() {
        return effectiveParameters(priorPrecision);
    }

    /** The eigenvalues of P, ascending, as many as there are uncertain parameters. */
    public double[] precisionEigenvalues() {
        double scale = about.likelihood().curvatureScale(sigma);
        long size = FittedModel.sizes(model, about.names()).stream()
                .mapToLong(Curvature.ParameterSize::elements)
                .sum();
        double[] values = Arrays.copyOf(curvature.eigenvalues(), Math.toIntExact(size));
        for (int i = 0; i < values.length; i++) {
            values[i] = scale * values[i] + priorPrecision;
        }
        Arrays.sort(values);
        return values;
    }

    private double effectiveParameters(double precision) {
        double scale = about.likelihood().curvatureScale(sigma);
        double sum = 0;
        for (double eigenvalue : curvature.eigenvalues()) {
            sum += scale * eigenvalue / (scale * eigenvalue + precision);
        }
        return sum;
    }

    private double squaredNorm() {
        double sum = 0;
        for (String name : about.names()) {
            for (double value : model.parameters().get(name).toDoubleArray()) {
                sum += value * value;
            }
        }
        return sum;
    }

    /**
     * With the prior precision of the greatest marginal likelihood: the one with γ(δ) = δ ‖θ‖², where its derivative by
     * log δ, which falls everywhere, is zero.
     *
     * @throws BackpackException if it is not between 1e-12 and 1e12
     */
    public Posterior withOptimizedPriorPrecision() {
        requireSameModel();
        double norm = squaredNorm();
        if (slope(-WIDEST, norm) <= 0 || slope(WIDEST, norm) >= 0) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "No prior precision between 1e-12 and 1e12 has the greatest marginal likelihood: the uncertain parameters' ‖θ‖² is %s, and %s of them are determined at 1e-12. Set one."
                            .formatted(norm, effectiveParameters(Math.exp(-WIDEST))));
        }
        double best = new BracketingNthOrderBrentSolver(ACCURACY, ACCURACY, ACCURACY, 5)
                .solve(MOST_EVALUATIONS, logarithm -> slope(logarithm, norm), -WIDEST, WIDEST);
        return withPriorPrecision(Math.exp(best));
    }

    /**
     * With the prior precision that predicts some data best: the one of the smallest {@link #negativeLogLikelihood}.
     *
     * @param data that the posterior was not fitted to
     * @param batch how many samples are taken at a time
     * @param candidates prior precisions, at least one
     */
    public Posterior withValidatedPriorPrecision(DataSource data, int batch, double... candidates) {
        if (candidates.length == 0) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE, "No prior precisions are given to choose from. Give some.");
        }
        Posterior best = withPriorPrecision(candidates[0]);
        double least = best.negativeLogLikelihood(data, batch);
        for (int i = 1; i < candidates.length; i++) {
            Posterior other = withPriorPrecision(candidates[i]);
            double negative = other.negativeLogLikelihood(data, batch);
            if (negative < least) {
                best = other;
                least = negative;
            }
        }
        return best;
    }

    /**
     * The mean over samples of −log p(y | x) in nats, p being that of {@link Predictive#probit} or the Gaussian with
     * {@link Predictive#targetCovariance}.
     *
     * @param batch how many samples are taken at a time
     */
    public double negativeLogLikelihood(DataSource data, int batch) {
        if (batch < 1 || data.samples() < 1) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "There are %d samples in batches of %d; both must be at least 1.".formatted(data.samples(), batch));
        }
        double sum = 0;
        for (long from = 0; from < data.samples(); from += batch) {
            long[] numbers = LongStream.range(from, Math.min(data.samples(), from + batch))
                    .toArray();
            try (Batch samples = data.read(numbers, 1).upload(backpack, model.dtype())) {
                double[] targets = Numbers.of(samples.targets()).values();
                sum += new TargetDensity(predict(samples)).negativeLogarithm(targets);
            }
        }
        return sum / data.samples();
    }

    /** The sign of the marginal likelihood's slope, and its size where that is not large. */
    private double slope(double logarithm, double norm) {
        double precision = Math.exp(logarithm);
        return Math.log(effectiveParameters(precision)) - Math.log(precision * norm);
    }

    /**
     * The distribution of the outputs for a batch, whose targets, if it has some, do not matter: that of the network
     * linearised at the trained parameters. Its Jacobians are never stored: with C outputs, a pass takes C cotangents
     * of one layer's output and C² numbers of every uncertain parameter per sample, and C gradients of one parameter of
     * a sample where its gradient is no single outer product. Samples are taken in parts for which 64 MiB are enough,
     * or one by one. With {@link Structure#FULL} and {@link Structure#LOW_RANK} a model that is not of float64 is
     * evaluated in a copy that is, since its numbers would cancel.
     *
     * @throws BackpackException if the model's numbers are not those that the posterior was fitted to
     */
    public Predictive predict(Batch batch) {
        requireSameModel();
        return new Linearized(backpack, model, about, curvature, priorPrecision, sigma).predict(batch);
    }

    /**
     * How good the predicted probabilities are on some data; for classification.
     *
     * @param batch how many samples are taken at a time
     * @param link makes probabilities, such as {@code Predictive::probit}
     */
    public Calibration calibration(DataSource data, int batch, Link link) {
        requireSameModel();
        return Calibration.of(this, backpack, model, data, batch, link);
    }

    /** Makes probabilities {@code [N, C]} of a distribution of outputs. */
    @FunctionalInterface
    public interface Link {

        double[] probabilities(Predictive predictive);
    }

    /**
     * The posterior of the data of both: what a fit to all of it gives.
     *
     * @param other of other samples, which is not checked
     * @throws BackpackException if it is of another model, structure, likelihood, prior precision, σ or other
     *     parameters
     */
    public Posterior merge(Posterior other) {
        if (!about.isOfSame(other.about) || priorPrecision != other.priorPrecision || sigma != other.sigma) {
            throw new BackpackException(
                    LaplaceProblems.POSTERIOR_MISMATCH,
                    "Only posteriors of the same numbers can be merged: %s and %s differ.".formatted(this, other));
        }
        Curvature merged =
                curvature.merged(backpack.backend(), about.samples(), other.curvature, other.about.samples());
        return new Posterior(backpack, model, about.with(other.about), merged, priorPrecision, sigma);
    }

    /**
     * Writes everything but the model's numbers to a safetensors file. Read again, it predicts the same, bit by bit.
     *
     * @throws BackpackException if it cannot be written
     */
    public void save(Path file) {
        PosteriorFile.write(file, about, curvature, priorPrecision, sigma);
    }

    /**
     * Reads a posterior.
     *
     * @param model with the numbers that it was fitted to
     * @throws BackpackException if it cannot be read, or is of another model
     */
    public static Posterior load(BackPack backpack, Model model, Path file) {
        return PosteriorFile.read(file, backpack, model);
    }

    private void requireSameModel() {
        about.requireFingerprint(model);
    }

    /** The structure, the parameters, and how many samples. */
    @Override
    public String toString() {
        return "%s posterior of %s (%s, %d samples, prior precision %s, sigma %s, model %s)"
                .formatted(
                        about.structure(),
                        about.names(),
                        about.likelihood(),
                        about.samples(),
                        priorPrecision,
                        sigma,
                        about.fingerprint().substring(0, 8));
    }
}
