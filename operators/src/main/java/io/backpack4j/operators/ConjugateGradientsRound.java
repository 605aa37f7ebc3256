// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static io.backpack4j.operators.ActiveRows.row;

import io.backpack4j.operators.ConjugateGradients.Stop;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * The iteration itself: looks for the correction c with Â c = r, r having a norm of the order of 1, until the
 * recurrence calls every right-hand side solved or gives it up. Of all corrections met, the one with the smallest
 * residual remains: residuals of conjugate gradients may grow in between, and without bound if there is no solution.
 */
final class ConjugateGradientsRound {

    /** Curvature below this multiple of the element type's precision, relative to ‖A‖ ‖d‖², is rounding. */
    private static final double ROUNDING = 100;

    private final ConjugateGradientsRun run;
    private final Optional<LinearOperator> preconditioner;
    private final Backend backend;
    private final Elementwise elementwise;
    private final double precision;
    private final ActiveRows rows;

    /** In units of the round. */
    private final double[] threshold;

    private final double[] norm;
    private final double[] bestNorm;

    /** Whether the correction at hand is the best one. */
    private final boolean[] best;

    private final int[] preconditionerUnit;
    private final double[] square;
    private final double[] before;
    private final double[] curvature;

    /**
     * Begins with all right-hand sides that are active.
     *
     * @param unit the exponents by which residuals were divided
     */
    ConjugateGradientsRound(ConjugateGradientsRun run, ActiveRows rows, int[] unit) {
        this.run = run;
        this.preconditioner = run.options().preconditioner();
        this.backend = run.backend();
        this.elementwise = backend.elementwise();
        this.rows = rows;
        int all = unit.length;
        this.threshold = new double[all];
        this.norm = new double[all];
        this.bestNorm = new double[all];
        this.best = new boolean[all];
        this.preconditionerUnit = new int[all];
        this.square = new double[all];
        this.before = new double[all];
        this.curvature = new double[all];
        for (int v : rows.indices()) {
            threshold[v] = Math.scalb(run.threshold(v), -unit[v]);
        }
        this.precision = PowersOfTwo.precision(run.dtype());
    }

    /**
     * Iterates. All right-hand sides have left afterwards.
     *
     * @param residual r in the first rows, overwritten
     * @param correction c at the right-hand sides' own indices
     * @param kept work
     */
    void run(Tensor residual, Tensor direction, Tensor product, Tensor correction, Tensor kept) {
        int[] begun = rows.indices();
        Arrays.fill(best, true);
        System.arraycopy(rows.norms(residual), 0, bestNorm, 0, bestNorm.length);
        rows.forEach((scope, i, v) -> elementwise.fill(row(scope, correction, v), 0));
        Tensor z = preconditioner.isPresent() ? product : residual;
        for (boolean first = true; rows.count() > 0; first = false) {
            precondition(residual, product, first);
            store(rows.dots(residual, z), square);
            giveUp(Stop.BREAKDOWN, v -> !(square[v] > 0) || Double.isInfinite(square[v]), residual, direction, product);
            turn(z, direction, first);
            run.multiply(direction, product);
            bend(residual, direction, product);
            step(residual, direction, product, correction, kept);
            rows.leave(this::done, residual, direction, product);
            System.arraycopy(square, 0, before, 0, before.length);
        }
        rows.reset(begun);
        rows.forEach((scope, i, v) -> {
            if (!best[v]) {
                elementwise.copy(row(scope, kept, v), row(scope, correction, v));
            }
        });
    }

    /** z = M r, divided by the power of two that makes the first one of the order of 1. */
    private void precondition(Tensor residual, Tensor z, boolean first) {
        if (preconditioner.isEmpty() || rows.count() == 0) {
            return;
        }
        try (TensorScope scope = backend.openScope()) {
            preconditioner.get().multiply(rows.rows(scope, residual), rows.rows(scope, z));
            if (first) {
                double[] norms = Vectors.norms(backend, rows.rows(scope, z));
                for (int i = 0; i < norms.length; i++) {
                    preconditionerUnit[rows.indices()[i]] = PowersOfTwo.exponent(norms[i]);
                }
            }
        }
        rows.forEach((scope, i, v) ->
                PowersOfTwo.scale(backend, row(scope, z, i), -preconditionerUnit[v], row(scope, z, i)));
    }

    /** direction = z + square / before · direction; z at first. */
    private void turn(Tensor z, Tensor direction, boolean first) {
        rows.forEach((scope, i, v) -> {
            Tensor row = row(scope, direction, i);
            if (first) {
                elementwise.copy(row(scope, z, i), row);
            } else {
                elementwise.affine(row, square[v] / before[v], 0, row);
                elementwise.addScaled(1, row(scope, z, i), row);
            }
        });
    }

    /** Calculates curvatures, and gives up where they are not positive beyond rounding. */
    private void bend(Tensor residual, Tensor direction, Tensor product) {
        double[] squares = new double[norm.length];
        double[] rounding = new double[norm.length];
        if (rows.count() > 0) {
            try (TensorScope scope = backend.openScope()) {
                Tensor d = Vectors.asDouble(backend, scope, rows.rows(scope, direction));
                Tensor p = Vectors.asDouble(backend, scope, rows.rows(scope, product));
                store(rows.dots(d, p), curvature);
                store(rows.dots(p, p), squares);
                store(rows.dots(d, d), rounding);
            }
        }
        for (int v : rows.indices()) {
            double operatorNorm = run.iterated(v, Math.sqrt(squares[v] / rounding[v]));
            rounding[v] *= ROUNDING * precision * operatorNorm;
        }
        giveUp(Stop.BREAKDOWN, v -> !Double.isFinite(curvature[v]), residual, direction, product);
        giveUp(Stop.NEGATIVE_CURVATURE, v -> curvature[v] <= rounding[v], residual, direction, product);
    }

    /** correction = correction + length · direction, residual = residual − length · product. */
    private void step(Tensor residual, Tensor direction, Tensor product, Tensor correction, Tensor kept) {
        rows.forEach((scope, i, v) ->
                elementwise.addScaled(-square[v] / curvature[v], row(scope, product, i), row(scope, residual, i)));
        store(rows.norms(residual), norm);
        rows.forEach((scope, i, v) -> {
            boolean better = norm[v] < bestNorm[v];
            if (best[v] && !better) {
                elementwise.copy(row(scope, correction, v), row(scope, kept, v));
            }
            best[v] = better;
            bestNorm[v] = better ? norm[v] : bestNorm[v];
            elementwise.addScaled(square[v] / curvature[v], row(scope, direction, i), row(scope, correction, v));
        });
    }

    /** Whether a right-hand side is solved as far as the recurrence can know, has no iterations left, or is lost. */
    private boolean done(int v) {
        return norm[v] <= Math.max(threshold[v], precision)
                || !run.mayIterate(v)
                || !(norm[v] * precision <= bestNorm[v]);
    }

    private void giveUp(Stop stop, IntPredicate which, Tensor... work) {
        for (int v : rows.indices()) {
            if (which.test(v)) {
                run.give(v, stop);
            }
        }
        rows.leave(which, work);
    }

    private static void store(double[] source, double[] destination) {
        System.arraycopy(source, 0, destination, 0, source.length);
    }
}
