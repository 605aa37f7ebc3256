// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Several contractions of the same derivatives: what has a direct form is computed by it, what is made of tiles shares
 * them, and the rest has loops of its own.
 */
final class ContractionExecution {

    /** Of how many gradients one gives the first estimate of their mean. */
    private static final long PER_ESTIMATE = 16;

    /** How many give it at most. */
    private static final long LARGEST_ESTIMATE = 8;

    /** Of fewer gradients, those that are made once more weigh as much as a product for the sum. */
    private static final long FEWEST_GRADIENTS = 6;

    private static final Contraction SUM = new Contraction.Sum();
    private static final Contraction MOMENTS = new Contraction.Moments();
    private static final Contraction DOT_WITH_SUM = new Contraction.DotWithSum();

    private final ParameterDerivatives derivatives;
    private final Backend backend;
    private final Shape parameter;
    private final DType dtype;
    private final long columns;
    private final long samples;
    private final List<ContractionTask> tasks;
    private final PortableForms portable;
    /** Per-sample gradients of all samples that a task asks for and that others may read, if there are any. */
    private @Nullable Tensor materialised;

    ContractionExecution(ParameterDerivatives derivatives, List<ContractionTask> tasks) {
        this.derivatives = derivatives;
        this.backend = derivatives.backend();
        this.parameter = derivatives.parameter();
        this.dtype = derivatives.dtype();
        this.columns = derivatives.columns();
        this.samples = derivatives.samples();
        this.tasks = tasks;
        boolean dotsWithSum =
                tasks.stream().anyMatch(task -> task.contraction().equals(DOT_WITH_SUM) && task.operand() == null);
        this.portable = new PortableForms(derivatives, dotsWithSum, this::moments);
    }

    void run() {
        if (!derives()) {
            run(tasks);
            return;
        }
        try (TensorScope scope = backend.openScope()) {
            DerivedTasks derived = new DerivedTasks(derivatives, portable, scope, tasks);
            run(derived.plain());
            derived.finish();
        }
    }

    private boolean derives() {
        for (ContractionTask task : tasks) {
            if (task.contraction().accept(portable) instanceof PortableForm.OfOthers) {
                return true;
            }
        }
        return false;
    }

    private void run(List<ContractionTask> plain) {
        boolean tilesNeeded = false;
        // Moments contain the sum of their only column.
        ContractionTask moments = null;
        for (ContractionTask task : plain) {
            tilesNeeded |= needsTiles(task);
            if (moments == null && columns == 1 && task.contraction().equals(MOMENTS)) {
                moments = task;
            }
        }
        List<ContractionTask> tiled = new ArrayList<>();
        List<ContractionTask> ofMoments = new ArrayList<>();
        for (ContractionTask task : plain) {
            Contraction contraction = task.contraction();
            if (moments != null && isOfMoments(task)) {
                ofMoments.add(task);
                continue;
            }
            PortableForm form = contraction.accept(portable);
            Optional<DirectForm> direct = derivatives.directForm(contraction);
            if (direct.isEmpty() && form instanceof PortableForm.OfLoop own) {
                clear(task);
                own.loop().accept(task);
                boolean readable = portable.holdsGradients(contraction) && !derivatives.consumesWithoutTiles();
                materialised = readable ? task.destination() : materialised;
                continue;
            }
            boolean fromTiles = tilesNeeded
                    && form instanceof PortableForm.OfTiles
                    && direct.map(DirectForm::cheaperFromTiles).orElse(true);
            if (direct.isPresent() && !fromTiles) {
                if (!direct.get().overwrites()) {
                    clear(task, false);
                }
                direct.get().computation().accept(task);
            } else {
                clear(task);
                tiled.add(task);
            }
        }
        if (!tiled.isEmpty()) {
            consume(tiled);
        }
        for (ContractionTask task : ofMoments) {
            addMoment(task, Objects.requireNonNull(moments).destinations());
        }
    }

    private boolean needsTiles(ContractionTask task) {
        Contraction contraction = task.contraction();
        return !(contraction.accept(portable) instanceof PortableForm.OfLoop)
                && derivatives.directForm(contraction).isEmpty();
    }

    private static boolean isOfMoments(ContractionTask task) {
        return task.contraction().equals(SUM)
                || (task.contraction().equals(new Contraction.SumOfSquares()) && task.operand() == null);
    }

    /** Σ g as it is, Σ g² as Σ (g − mean)² + (Σ g)²/n. */
    private void addMoment(ContractionTask task, List<Tensor> moments) {
        if (task.contraction().equals(SUM)) {
            addOrCopy(moments.get(0), task);
            return;
        }
        try (TensorScope scope = backend.openScope()) {
            Tensor squares =
                    task.accumulate() ? scope.allocate(parameter, dtype) : scope.view(task.destination(), parameter);
            backend.elementwise().apply(UnaryOperation.SQUARE, moments.get(0), squares);
            backend.elementwise().addScaled(1, moments.get(1), 1.0 / Math.max(1, samples), squares);
            if (task.accumulate()) {
                addOrCopy(squares, task);
            }
        }
    }

    private void addOrCopy(Tensor part, ContractionTask task) {
        try (TensorScope scope = backend.openScope()) {
            Tensor target = scope.view(task.destination(), parameter);
            if (task.accumulate()) {
                backend.elementwise().addScaled(1, part, target);
            } else {
                backend.elementwise().copy(part, target);
            }
        }
    }

    private void clear(ContractionTask task) {
        clear(task, totalIsOverwritten());
    }

    /** @param overwritesTotal whether the first of the moments need not be cleared, as in the portable form */
    private void clear(ContractionTask task, boolean overwritesTotal) {
        boolean moments = task.contraction().equals(MOMENTS);
        if (task.contraction().mergeRule() == MergeRule.MAX) {
            backend.elementwise().fill(task.destination(), Double.NEGATIVE_INFINITY);
        } else if (moments || (!task.contraction().overwrites() && !task.accumulate())) {
            for (int i = moments && overwritesTotal ? 1 : 0;
                    i < task.destinations().size();
                    i++) {
                backend.elementwise().fill(task.destinations().get(i), 0);
            }
        }
    }

    /** Whether the first of the moments need not be cleared. */
    private boolean totalIsOverwritten() {
        return columns == 1
                && derivatives
                        .directForm(SUM)
                        .filter(form -> form.overwrites() && !form.cheaperFromTiles())
                        .isPresent();
    }

    private void consume(List<ContractionTask> tiled) {
        try (TensorScope scope = backend.openScope()) {
            List<TileConsumer> consumers = new ArrayList<>();
            List<Runnable> afterwards = new ArrayList<>();
            for (ContractionTask task : tiled) {
                if (task.contraction().equals(MOMENTS) && sumComesFromTiles()) {
                    afterwards.add(shiftedMoments(scope, task, consumers));
                } else {
                    consumers.add(portable.consumer(scope, task));
                }
            }
            make(scope, consumers);
            afterwards.forEach(Runnable::run);
        }
    }

    /** Whether one go is cheaper than two: the estimate makes the first few gradients once more. */
    private boolean sumComesFromTiles() {
        return materialised == null
                && columns * samples >= FEWEST_GRADIENTS
                && derivatives
                        .directForm(SUM)
                        .filter(DirectForm::cheaperFromTiles)
                        .isPresent();
    }

    /**
     * Sum and squares in one go, about the mean of the first few gradients: Σ (g − mean)² = Σ (g − c)² − (Σ (g − c))²/n
     * (Chan, Golub and LeVeque, Algorithms for computing the sample variance, 1983). With c the mean of k of n terms,
     * what is subtracted is at most n/k times the result, so that few digits cancel whatever the numbers are.
     */
    private Runnable shiftedMoments(TensorScope scope, ContractionTask task, List<TileConsumer> consumers) {
        var ops = backend.elementwise();
        Tensor sum = task.destinations().get(0);
        Tensor squares = task.destinations().get(1);
        long first = Math.max(1, Math.min(samples / PER_ESTIMATE, LARGEST_ESTIMATE));
        Tensor center = scope.allocate(parameter, dtype);
        try (TensorScope step = backend.openScope()) {
            Shape shape = parameter.prepend(1, first);
            Tensor gradients = first == 1 ? step.view(center, shape) : step.allocate(shape, dtype);
            derivatives.perSample(new Block(0, 1, 0, first), gradients);
            if (first > 1) {
                Tensor rows = step.view(gradients, parameter.prepend(first));
                backend.reductions().reduce(Reduction.SUM, rows, 0, 1, center);
                ops.affine(center, 1.0 / first, 0, center);
            }
        }
        long count = columns * samples;
        consumers.add(new TileConsumer.Sum(scope.view(sum, parameter.prepend(1))));
        consumers.add(new TileConsumer.SumOfSquares(squares, center, null));
        return () -> {
            ops.affine(center, -count, 0, center);
            ops.addScaled(1, sum, center);
            ops.apply(UnaryOperation.SQUARE, center, center);
            ops.addScaled(-1.0 / Math.max(1, count), center, squares);
            // what rounding has made negative
            ops.apply(UnaryOperation.POSITIVE, squares, center);
            ops.combine(BinaryOperation.MULTIPLY, squares, center, squares);
        };
    }

    /** Σ first, then Σ (g − mean)² about the mean: nothing cancels, and nothing becomes negative. */
    private TileConsumer moments(TensorScope scope, ContractionTask task) {
        Tensor sum = task.destinations().get(0);
        total(sum);
        Tensor mean = scope.allocate(parameter, dtype);
        backend.elementwise().affine(sum, 1.0 / Math.max(1, columns * samples), 0, mean);
        return new TileConsumer.SumOfSquares(task.destinations().get(1), mean, null, true);
    }

    /** Adds Σ_v Σ_n g_vn to {@code destination}, {@code *p}. */
    private void total(Tensor destination) {
        Optional<DirectForm> direct = derivatives.directForm(SUM);
        try (TensorScope scope = backend.openScope()) {
            boolean fromGradients = materialised != null
                    && direct.map(DirectForm::cheaperFromTiles).orElse(true);
            if (direct.isEmpty() || fromGradients) {
                make(scope, List.of(new TileConsumer.Sum(scope.view(destination, parameter.prepend(1)))));
            } else if (columns == 1) {
                Tensor target = scope.view(destination, parameter.prepend(1));
                boolean adds = !totalIsOverwritten();
                direct.get().computation().accept(new ContractionTask(SUM, List.of(target), null, adds));
            } else {
                Tensor perColumn = scope.allocate(parameter.prepend(columns), dtype);
                backend.elementwise().fill(perColumn, 0);
                direct.get().computation().accept(new ContractionTask(SUM, List.of(perColumn), null, true));
                backend.reductions().reduce(Reduction.SUM, perColumn, 0, 1, destination);
            }
        }
    }

    private void make(TensorScope scope, List<TileConsumer> consumers) {
        if (materialised == null) {
            derivatives.consumeTiles(consumers);
        } else {
            long batch = columns * samples;
            Tensor rows = scope.view(materialised, parameter.prepend(batch));
            backend.contractions().consume(rows, 0, batch, consumers);
        }
    }
}
