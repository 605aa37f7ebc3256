// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static io.backpack4j.operators.ActiveRows.row;

import io.backpack4j.operators.ConjugateGradients.Column;
import io.backpack4j.operators.ConjugateGradients.Solution;
import io.backpack4j.operators.ConjugateGradients.Stop;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One solve. What is solved is Â x̂ = b̂ with Â = (A + λI) / 2^operatorUnit and b̂ = b / 2^unit[v], so that x =
 * 2^(unit[v] − operatorUnit) x̂; both are of the order of 1.
 *
 * <p>A round starts from the residual of x, calculated anew, and looks for a correction of x with {@link
 * ConjugateGradientsRound}. What it finds is taken if it makes the residual smaller.
 */
final class ConjugateGradientsRun {

    /** A round that does not at least halve a residual has met the limit of rounding. */
    private static final double PROGRESS = 0.5;

    private final ConjugateGradients options;
    private final LinearOperator operator;
    private final Backend backend;
    private final Elementwise elementwise;
    private final Tensor b;
    private final Tensor x;
    private final ActiveRows rows;

    private final double[] bNorm;
    private final int[] unit;

    /** In units of the right-hand side. */
    private final double[] threshold;

    /** Of x, in units of the right-hand side. */
    private final double[] residualNorm;

    private final int[] iterations;
    private final @Nullable Stop[] stops;

    /** The greatest ‖(A + λI) d‖ / ‖d‖ that each right-hand side has met. */
    private final double[] metNorm;

    private boolean normKnown;
    private double norm;
    private int operatorUnit;
    private int products;

    ConjugateGradientsRun(ConjugateGradients options, LinearOperator a, Tensor b, Tensor x) {
        this.options = options;
        this.operator = options.damping() == 0 ? a : a.damped(options.damping());
        this.backend = a.backend();
        this.elementwise = backend.elementwise();
        this.b = b;
        this.x = x;
        this.bNorm = Vectors.norms(backend, b);
        this.rows = new ActiveRows(backend, bNorm.length);
        this.unit = new int[bNorm.length];
        this.threshold = new double[bNorm.length];
        this.residualNorm = new double[bNorm.length];
        this.iterations = new int[bNorm.length];
        this.stops = new Stop[bNorm.length];
        this.metNorm = new double[bNorm.length];
    }

    /**
     * Improves x until every right-hand side is left.
     *
     * @param fromZero whether x is zero, which saves a product
     */
    Solution run(boolean fromZero) {
        solveZeros();
        chooseUnits(fromZero);
        try (TensorScope scope = backend.openScope()) {
            Tensor residual = scope.allocate(b.shape(), b.dtype());
            Tensor direction = scope.allocate(b.shape(), b.dtype());
            Tensor product = scope.allocate(b.shape(), b.dtype());
            Tensor correction = scope.allocate(b.shape(), b.dtype());
            Tensor best = scope.allocate(b.shape(), b.dtype());
            if (fromZero) {
                rows.forEach(
                        (step, i, v) -> PowersOfTwo.scale(backend, row(step, b, v), -unit[v], row(step, residual, i)));
            } else {
                rows.forEach((step, i, v) -> elementwise.copy(row(step, x, v), row(step, correction, v)));
                residuals(correction, residual, product);
            }
            judge(correction, residual, true);
            while (rows.count() > 0) {
                int[] begun = rows.indices();
                measureOperator();
                int[] roundUnit = normalise(residual);
                new ConjugateGradientsRound(this, rows, roundUnit).run(residual, direction, product, correction, best);
                rows.reset(begun);
                correct(correction, roundUnit, product);
                residuals(correction, residual, product);
                judge(correction, residual, false);
            }
        }
        return solution();
    }

    /** Zero solves a right-hand side of zeros, whatever the matrix is. */
    private void solveZeros() {
        rows.forEach((scope, i, v) -> {
            if (bNorm[v] == 0) {
                elementwise.fill(row(scope, x, v), 0);
                stops[v] = Stop.CONVERGED;
            }
        });
        rows.leave(v -> stops[v] != null);
    }

    private void chooseUnits(boolean fromZero) {
        double[] xNorm = fromZero ? new double[unit.length] : Vectors.norms(backend, x);
        if (!fromZero) {
            measureOperator();
        }
        for (int v : rows.indices()) {
            unit[v] = PowersOfTwo.exponent(bNorm[v]);
            if (xNorm[v] > 0) {
                unit[v] = Math.max(unit[v], operatorUnit + PowersOfTwo.exponent(xNorm[v]));
            }
            threshold[v] = Math.max(
                    options.tolerance() * Math.scalb(bNorm[v], -unit[v]),
                    Math.scalb(options.absoluteTolerance(), -unit[v]));
        }
    }

    /** Finds out how large A + λI is, when it is first needed. */
    private void measureOperator() {
        if (normKnown || rows.count() == 0) {
            return;
        }
        if (options.normBound().isPresent()) {
            norm = options.normBound().getAsDouble() + options.damping();
        } else {
            OperatorNorm estimate = OperatorNorm.estimate(operator);
            norm = estimate.norm();
            products += estimate.products();
        }
        operatorUnit = PowersOfTwo.exponent(norm);
        normKnown = true;
    }

    /** residual = b̂ − Â x̂, x̂ being a candidate's. */
    private void residuals(Tensor candidate, Tensor residual, Tensor product) {
        rows.forEach((scope, i, v) ->
                PowersOfTwo.scale(backend, row(scope, candidate, v), operatorUnit - unit[v], row(scope, residual, i)));
        multiply(residual, product);
        rows.forEach((scope, i, v) -> {
            PowersOfTwo.scale(backend, row(scope, b, v), -unit[v], row(scope, residual, i));
            elementwise.addScaled(-1, row(scope, product, i), row(scope, residual, i));
        });
    }

    /** product = Â vectors. */
    void multiply(Tensor vectors, Tensor product) {
        if (rows.count() > 0) {
            try (TensorScope scope = backend.openScope()) {
                operator.multiply(rows.rows(scope, vectors), rows.rows(scope, product));
                PowersOfTwo.scale(backend, rows.rows(scope, product), -operatorUnit, rows.rows(scope, product));
            }
            products += rows.count();
        }
    }

    /**
     * Takes candidates that are better than x, and leaves those that are solved, were given up, or do not get any
     * better.
     */
    private void judge(Tensor candidate, Tensor residual, boolean first) {
        double[] fresh = rows.norms(residual);
        rows.forEach((scope, i, v) -> {
            double before = residualNorm[v];
            if (first || fresh[v] < before) {
                residualNorm[v] = fresh[v];
                if (!first) {
                    elementwise.copy(row(scope, candidate, v), row(scope, x, v));
                }
            }
            if (residualNorm[v] <= threshold[v]) {
                stops[v] = Stop.CONVERGED;
            } else if (stops[v] == null && iterations[v] >= options.maxIterations()) {
                stops[v] = Stop.MAX_ITERATIONS;
            } else if (stops[v] == null && !(first ? Double.isFinite(fresh[v]) : fresh[v] <= PROGRESS * before)) {
                stops[v] = Stop.BREAKDOWN;
            }
        });
        rows.leave(v -> stops[v] != null, residual);
    }

    /** Divides residuals by the powers of two that make them of the order of 1. */
    private int[] normalise(Tensor residual) {
        int[] roundUnit = new int[unit.length];
        rows.forEach((scope, i, v) -> {
            roundUnit[v] = PowersOfTwo.exponent(residualNorm[v]);
            PowersOfTwo.scale(backend, row(scope, residual, i), -roundUnit[v], row(scope, residual, i));
        });
        return roundUnit;
    }

    /** Makes candidates for x of corrections, rounded to what x can hold. */
    private void correct(Tensor correction, int[] roundUnit, Tensor work) {
        rows.forEach((scope, i, v) -> {
            Tensor candidate = row(scope, correction, v);
            Tensor scaled = row(scope, work, i);
            PowersOfTwo.scale(backend, row(scope, x, v), operatorUnit - unit[v], scaled);
            PowersOfTwo.scale(backend, candidate, roundUnit[v], candidate);
            elementwise.addScaled(1, candidate, scaled);
            PowersOfTwo.scale(backend, scaled, unit[v] - operatorUnit, candidate);
        });
    }

    private Solution solution() {
        List<Column> columns = new ArrayList<>();
        for (int v = 0; v < stops.length; v++) {
            double residual = Math.scalb(residualNorm[v], unit[v]);
            columns.add(new Column(Objects.requireNonNull(stops[v]), iterations[v], residual));
        }
        double greatest = Arrays.stream(metNorm).reduce(norm, Math::max);
        return new Solution(x, columns, greatest, products);
    }

    ConjugateGradients options() {
        return options;
    }

    Backend backend() {
        return backend;
    }

    DType dtype() {
        return b.dtype();
    }

    /** In units of the right-hand side. */
    double threshold(int v) {
        return threshold[v];
    }

    void give(int v, Stop stop) {
        stops[v] = stop;
    }

    boolean mayIterate(int v) {
        return iterations[v] < options.maxIterations();
    }

    /**
     * Counts an iteration; returns ‖Â‖ as far as it is known.
     *
     * @param ratio ‖Âd‖ / ‖d‖
     */
    double iterated(int v, double ratio) {
        iterations[v]++;
        double met = Math.scalb(ratio, operatorUnit);
        if (Double.isFinite(met)) {
            metNorm[v] = Math.max(metNorm[v], met);
        }
        return Math.scalb(Math.max(norm, metNorm[v]), -operatorUnit);
    }
}
