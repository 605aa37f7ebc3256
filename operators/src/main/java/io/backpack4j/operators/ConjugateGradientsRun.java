package io.backpack4j.operators;

import io.backpack4j.operators.ConjugateGradients.Column;
import io.backpack4j.operators.ConjugateGradients.Solution;
import io.backpack4j.operators.ConjugateGradients.Stop;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One solve. Right-hand sides that are being worked on have the first rows of the work tensors, so that products are of these only. Numbers per right-hand side stand
 * at its own index.
 *
 * <p>A round starts from residuals that are calculated anew, and ends when the recurrence calls every right-hand side solved or gives it up.
 */
final class ConjugateGradientsRun {

    /** A round that does not at least halve a residual has met the limit of rounding. */
    private static final double PROGRESS = 0.5;

    private final ConjugateGradients options;
    private final LinearOperator operator;
    private final Optional<LinearOperator> preconditioner;
    private final Backend backend;
    private final Elementwise elementwise;
    private final Tensor b;
    private final Tensor x;

    private final double[] threshold;
    private final double[] norm;
    private final int[] iterations;
    private final @Nullable Stop[] stops;

    /** Which right-hand sides have the first rows. */
    private int[] active;

    ConjugateGradientsRun(ConjugateGradients options, LinearOperator a, Tensor b, Tensor x) {
        this.options = options;
        this.operator = options.damping() == 0 ? a : a.damped(options.damping());
        this.preconditioner = options.preconditioner();
        this.backend = a.backend();
        this.elementwise = backend.elementwise();
        this.b = b;
        this.x = x;
        this.threshold = Vectors.norms(backend, b);
        this.norm = new double[threshold.length];
        this.iterations = new int[threshold.length];
        this.stops = new Stop[threshold.length];
        this.active = IntStream.range(0, threshold.length).toArray();
        for (int v = 0; v < threshold.length; v++) {
            threshold[v] = Math.max(options.tolerance() * threshold[v], options.absoluteTolerance());
        }
    }

    /**
     * Improves x until every right-hand side is left.
     *
     * @param fromZero whether x is zero, which saves a product
     */
    Solution run(boolean fromZero) {
        try (TensorScope scope = backend.openScope()) {
            Tensor residual = scope.allocate(b.shape(), b.dtype());
            Tensor direction = scope.allocate(b.shape(), b.dtype());
            Tensor product = scope.allocate(b.shape(), b.dtype());
            for (int round = 0; active.length > 0; round++) {
                residuals(residual, product, fromZero && round == 0);
                judge(residual, round == 0);
                int[] begun = active;
                iterate(residual, direction, product);
                active = begun;
            }
        }
        List<Column> columns = new ArrayList<>();
        for (int v = 0; v < stops.length; v++) {
            columns.add(new Column(Objects.requireNonNull(stops[v]), iterations[v], norm[v]));
        }
        return new Solution(x, columns);
    }

    /** residual = b − (A + λI) x. */
    private void residuals(Tensor residual, Tensor product, boolean zero) {
        try (TensorScope scope = backend.openScope()) {
            if (!zero) {
                copyRows(scope, x, residual);
                operator.multiply(rows(scope, residual), rows(scope, product));
            }
            copyRows(scope, b, residual);
            if (!zero) {
                elementwise.addScaled(-1, rows(scope, product), rows(scope, residual));
            }
        }
    }

    /** Leaves those that are solved, were given up, or do not get any better. */
    private void judge(Tensor residual, boolean first) {
        double[] fresh = norms(residual);
        for (int v : active) {
            if (fresh[v] <= threshold[v]) {
                stops[v] = Stop.CONVERGED;
            } else if (stops[v] != null) {
                continue;
            } else if (iterations[v] >= options.maxIterations()) {
                stops[v] = Stop.MAX_ITERATIONS;
            } else if (!Double.isFinite(fresh[v]) || (!first && fresh[v] > PROGRESS * norm[v])) {
                stops[v] = Stop.BREAKDOWN;
            }
        }
        for (int v : active) {
            norm[v] = fresh[v];
        }
        leave(v -> stops[v] != null, residual);
    }

    private void iterate(Tensor residual, Tensor direction, Tensor product) {
        Tensor z = preconditioner.isPresent() ? product : residual;
        double[] before = new double[stops.length];
        for (boolean first = true; active.length > 0; first = false) {
            precondition(residual, product);
            double[] square = dots(residual, z);
            giveUp(Stop.BREAKDOWN, v -> !(square[v] > 0) || Double.isInfinite(square[v]), residual, direction, product);
            turn(z, direction, square, first ? square : before, first);
            double[] curvature = curvature(direction, product);
            giveUp(Stop.BREAKDOWN, v -> !Double.isFinite(curvature[v]), residual, direction, product);
            giveUp(Stop.NEGATIVE_CURVATURE, v -> curvature[v] <= 0, residual, direction, product);
            step(residual, direction, product, square, curvature);
            double[] norms = norms(residual);
            leave(
                    v -> norms[v] <= threshold[v] || iterations[v] >= options.maxIterations(),
                    residual,
                    direction,
                    product);
            System.arraycopy(square, 0, before, 0, before.length);
        }
    }

    private void precondition(Tensor residual, Tensor z) {
        if (preconditioner.isPresent()) {
            try (TensorScope scope = backend.openScope()) {
                preconditioner.get().multiply(rows(scope, residual), rows(scope, z));
            }
        }
    }

    /** direction = z + square / before · direction; z at first. */
    private void turn(Tensor z, Tensor direction, double[] square, double[] before, boolean first) {
        try (TensorScope scope = backend.openScope()) {
            for (int i = 0; i < active.length; i++) {
                Tensor row = row(scope, direction, i);
                if (first) {
                    elementwise.copy(row(scope, z, i), row);
                } else {
                    elementwise.affine(row, square[active[i]] / before[active[i]], 0, row);
                    elementwise.addScaled(1, row(scope, z, i), row);
                }
            }
        }
    }

    /** product = (A + λI) direction, and its inner product with the direction. */
    private double[] curvature(Tensor direction, Tensor product) {
        if (active.length > 0) {
            try (TensorScope scope = backend.openScope()) {
                operator.multiply(rows(scope, direction), rows(scope, product));
            }
        }
        for (int v : active) {
            iterations[v]++;
        }
        return dots(direction, product);
    }

    /** x = x + length · direction, residual = residual − length · product. */
    private void step(Tensor residual, Tensor direction, Tensor product, double[] square, double[] curvature) {
        try (TensorScope scope = backend.openScope()) {
            for (int i = 0; i < active.length; i++) {
                double length = square[active[i]] / curvature[active[i]];
                elementwise.addScaled(length, row(scope, direction, i), row(scope, x, active[i]));
                elementwise.addScaled(-length, row(scope, product, i), row(scope, residual, i));
            }
        }
    }

    private void giveUp(Stop stop, IntPredicate which, Tensor... work) {
        for (int v : active) {
            if (which.test(v)) {
                stops[v] = stop;
            }
        }
        leave(which, work);
    }

    /** Takes right-hand sides out of the work tensors; the others move up. */
    private void leave(IntPredicate which, Tensor... work) {
        int[] staying = new int[active.length];
        int count = 0;
        try (TensorScope scope = backend.openScope()) {
            for (int i = 0; i < active.length; i++) {
                if (which.test(active[i])) {
                    continue;
                }
                if (count < i) {
                    for (Tensor tensor : work) {
                        elementwise.copy(row(scope, tensor, i), row(scope, tensor, count));
                    }
                }
                staying[count++] = active[i];
            }
        }
        active = Arrays.copyOf(staying, count);
    }

    /** Copies the rows of the right-hand sides that are worked on to the front. */
    private void copyRows(TensorScope scope, Tensor source, Tensor destination) {
        for (int i = 0; i < active.length; i++) {
            elementwise.copy(row(scope, source, active[i]), row(scope, destination, i));
        }
    }

    private double[] norms(Tensor work) {
        double[] norms = dots(work, work);
        for (int v : active) {
            norms[v] = Math.sqrt(norms[v]);
        }
        return norms;
    }

    /** Inner products of the rows that are worked on, at their right-hand sides' indices. */
    private double[] dots(Tensor left, Tensor right) {
        double[] dots = new double[stops.length];
        if (active.length > 0) {
            try (TensorScope scope = backend.openScope()) {
                Tensor rows = rows(scope, left);
                double[] ofRows = Vectors.dots(backend, rows, left == right ? rows : rows(scope, right));
                for (int i = 0; i < active.length; i++) {
                    dots[active[i]] = ofRows[i];
                }
            }
        }
        return dots;
    }

    private Tensor rows(TensorScope scope, Tensor work) {
        return scope.rows(work, 0, active.length);
    }

    private static Tensor row(TensorScope scope, Tensor tensor, int index) {
        return scope.rows(tensor, index, index + 1);
    }
}
