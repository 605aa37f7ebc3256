package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The per-sample gradients g_vn of one parameter, for V columns and N samples, as something that contractions can be asked of. A module
 * supplies {@link #perSample}; everything else has defaults that hold a few per-sample gradients at a time. Parameters that are
 * sums of outer products have better ones: {@link io.backpack4j.spi.module.factored.FactoredParameter}.
 *
 * <p>Belongs to one thread and lives as long as its {@link Pullback}.
 */
public abstract class ParameterDerivatives {

    /** How much memory one run of per-sample gradients may take, unless one gradient takes more. */
    private static final long RUN_BYTES = 4 << 20;

    /** How many gradients give the first estimate of their mean. */
    private static final long SHIFT_SAMPLES = 8;

    private final Backend backend;
    private final Shape parameter;
    private final DType dtype;
    private final long columns;
    private final long samples;

    /**
     * Creates derivatives.
     *
     * @param backend the arithmetic
     * @param parameter the parameter's shape {@code *p}
     * @param dtype the element type
     * @param columns V
     * @param samples N
     */
    protected ParameterDerivatives(Backend backend, Shape parameter, DType dtype, long columns, long samples) {
        this.backend = backend;
        this.parameter = parameter;
        this.dtype = dtype;
        this.columns = columns;
        this.samples = samples;
    }

    /**
     * The derivatives of a parameter that several nodes share: the sum of these.
     *
     * @param uses those of every use, of one backend, type, number of columns and number of samples, and of the parameter's shape; at least one
     */
    public static ParameterDerivatives tied(List<ParameterDerivatives> uses) {
        return uses.size() == 1 ? uses.get(0) : new TiedDerivatives(uses);
    }

    /**
     * The sum of these derivatives and of further uses of the parameter as one, if that has better forms than the sum of per-sample gradients. It is
     * asked for all but what adds over uses, Kronecker factors and squares over positions.
     */
    protected Optional<ParameterDerivatives> joined(List<ParameterDerivatives> further) {
        return Optional.empty();
    }

    /**
     * Writes some per-sample gradients: the transposed Jacobian products of single samples.
     *
     * @param destination {@code [block.columns(), block.samples(), *p]}, overwritten
     */
    public abstract void perSample(Block block, Tensor destination);

    /** Whether {@link #computeDirectly} can compute a contraction without making per-sample gradients. */
    protected boolean hasDirectForm(Contraction contraction) {
        return false;
    }

    /** Whether a contraction with a direct form is cheaper from per-sample gradients that are made anyway. */
    protected boolean isCheaperFromTiles(Contraction contraction) {
        return false;
    }

    /**
     * Whether {@link #computeDirectly} overwrites the destination of a sum itself, unless {@link ContractionTask#accumulate} is set. Otherwise it is
     * cleared before, which costs large parameters another walk through memory.
     */
    protected boolean overwritesDirectly(Contraction contraction) {
        return false;
    }

    /**
     * Whether {@link #consumeTiles} is cheaper than reading per-sample gradients that lie in memory already, because it computes from something far smaller.
     */
    protected boolean consumesWithoutTiles() {
        return false;
    }

    /** Computes a contraction that {@link #hasDirectForm}. Sums are added to the destination, but where {@link #overwritesDirectly} says otherwise. */
    protected void computeDirectly(ContractionTask task) {
        throw new IllegalStateException("No direct form of " + task.contraction());
    }

    /** Makes all per-sample gradients, a run at a time, and hands each to the consumers. */
    protected void consumeTiles(List<TileConsumer> consumers) {
        tiles((block, gradients) -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor rows = scope.view(gradients, parameter.prepend(block.columns() * block.samples()));
                long first = block.fromColumn() * samples + block.fromSample();
                backend.contractions().consume(rows, first, columns * samples, consumers);
            }
        });
    }

    /** The arithmetic. */
    public final Backend backend() {
        return backend;
    }

    /** The parameter's shape, {@code *p}. */
    public final Shape parameter() {
        return parameter;
    }

    /** The element type. */
    public final DType dtype() {
        return dtype;
    }

    /** V. */
    public final long columns() {
        return columns;
    }

    /** N. */
    public final long samples() {
        return samples;
    }

    /** Shows all per-sample gradients to a visitor, a run of neighbouring samples of one column at a time, column by column. */
    public final void tiles(TileVisitor visitor) {
        long bytes = Math.max(1, parameter.elements() * dtype.bytes());
        long run = Math.max(1, Math.min(samples, RUN_BYTES / bytes));
        try (TensorScope scope = backend.openScope()) {
            Tensor memory = scope.allocate(parameter.prepend(run), dtype);
            for (long column = 0; column < columns; column++) {
                for (long from = 0; from < samples; from += run) {
                    Block block = new Block(column, column + 1, from, Math.min(samples, from + run));
                    try (TensorScope step = backend.openScope()) {
                        Tensor rows = step.rows(memory, 0, block.samples());
                        Tensor gradients = step.view(rows, parameter.prepend(1, block.samples()));
                        perSample(block, gradients);
                        visitor.visit(block, gradients);
                    }
                }
            }
        }
    }

    /** Computes all tasks; those that need per-sample gradients share them. */
    public final void execute(List<ContractionTask> tasks) {
        boolean tilesNeeded = tasks.stream().map(ContractionTask::contraction).anyMatch(this::needsTiles);
        // Moments contain the sum of their only column.
        Optional<ContractionTask> moments = tasks.stream()
                .filter(task -> columns == 1 && task.contraction() instanceof Contraction.Moments)
                .findFirst();
        List<ContractionTask> tiled = new ArrayList<>();
        List<ContractionTask> sums = new ArrayList<>();
        @Nullable Tensor materialised = null;
        for (ContractionTask task : tasks) {
            Contraction contraction = task.contraction();
            boolean ofMoments = contraction instanceof Contraction.Sum
                    || (contraction instanceof Contraction.SumOfSquares && task.operand() == null);
            if (ofMoments && moments.isPresent()) {
                sums.add(task);
            } else if (contraction instanceof Contraction.PerSample perSample) {
                materialise(perSample, task.destination());
                boolean all = perSample.subsampling().isEmpty() && !consumesWithoutTiles();
                materialised = all ? task.destination() : materialised;
            } else if (contraction instanceof Contraction.InnerProducts products && !hasDirectForm(contraction)) {
                innerProducts(products.sameSample(), task.destination());
            } else if (contraction instanceof Contraction.OuterProducts && !hasDirectForm(contraction)) {
                clear(task);
                outerProducts(task.destination());
            } else {
                boolean fromTiles = tilesNeeded && isMadeOfTiles(contraction) && isCheaperFromTiles(contraction);
                boolean directly = hasDirectForm(contraction) && !fromTiles;
                if (!directly || !overwritesDirectly(contraction)) {
                    clear(task);
                }
                if (directly) {
                    computeDirectly(task);
                } else {
                    tiled.add(task);
                }
            }
        }
        if (!tiled.isEmpty()) {
            consume(tiled, materialised);
        }
        for (ContractionTask task : sums) {
            addMoment(task, moments.orElseThrow().destinations());
        }
    }

    /** Σ g as it is, Σ g² as Σ (g − mean)² + (Σ g)²/n. */
    private void addMoment(ContractionTask task, List<Tensor> moments) {
        try (TensorScope scope = backend.openScope()) {
            boolean sum = task.contraction() instanceof Contraction.Sum;
            Tensor target = scope.view(task.destination(), parameter);
            Tensor moment = moments.get(sum ? 0 : 1);
            if (task.accumulate()) {
                backend.elementwise().addScaled(1, moment, target);
            } else {
                backend.elementwise().copy(moment, target);
            }
            if (!sum) {
                Tensor square = scope.allocate(parameter, dtype);
                backend.elementwise().apply(UnaryOperation.SQUARE, moments.get(0), square);
                backend.elementwise().addScaled(1.0 / Math.max(1, samples), square, target);
            }
        }
    }

    /** Whether a tile consumer computes the contraction. */
    private static boolean isMadeOfTiles(Contraction contraction) {
        return !(contraction instanceof Contraction.OuterProducts)
                && !(contraction instanceof Contraction.SumOfSquaresOverPositions)
                && !(contraction instanceof Contraction.InputFactor)
                && !(contraction instanceof Contraction.OutputFactor);
    }

    private boolean needsTiles(Contraction contraction) {
        return !(contraction instanceof Contraction.PerSample)
                && !(contraction instanceof Contraction.InnerProducts)
                && !(contraction instanceof Contraction.OuterProducts)
                && !hasDirectForm(contraction);
    }

    private void clear(ContractionTask task) {
        boolean overwrites = task.contraction() instanceof Contraction.SquaredNorms
                || task.contraction() instanceof Contraction.InnerProducts
                || task.contraction() instanceof Contraction.Dot;
        boolean moments = task.contraction() instanceof Contraction.Moments;
        if (!overwrites && (!task.accumulate() || moments)) {
            task.destinations().stream()
                    .skip(moments && totalIsOverwritten() ? 1 : 0)
                    .forEach(destination -> backend.elementwise().fill(destination, 0));
        }
    }

    /** Whether the first of the moments need not be cleared. */
    private boolean totalIsOverwritten() {
        Contraction sum = new Contraction.Sum();
        return columns == 1 && hasDirectForm(sum) && overwritesDirectly(sum) && !isCheaperFromTiles(sum);
    }

    private void consume(List<ContractionTask> tasks, @Nullable Tensor materialised) {
        try (TensorScope scope = backend.openScope()) {
            List<TileConsumer> consumers = new ArrayList<>();
            List<Runnable> afterwards = new ArrayList<>();
            for (ContractionTask task : tasks) {
                if (task.contraction() instanceof Contraction.Moments && sumComesFromTiles(materialised)) {
                    afterwards.add(shiftedMoments(scope, task, consumers));
                } else {
                    consumers.add(consumer(scope, task, materialised));
                }
            }
            make(scope, consumers, materialised);
            afterwards.forEach(Runnable::run);
        }
    }

    private boolean sumComesFromTiles(@Nullable Tensor materialised) {
        Contraction sum = new Contraction.Sum();
        return materialised == null && hasDirectForm(sum) && isCheaperFromTiles(sum);
    }

    /**
     * Sum and squares in one go, about the mean of the first few gradients: Σ (g − mean)² = Σ (g − c)² − (Σ (g − c))²/n (Chan, Golub and LeVeque,
     * Algorithms for computing the sample variance, 1983). With c the mean of k of n terms, what is subtracted is at most n/k times the result, so that
     * few digits cancel whatever the numbers are.
     */
    private Runnable shiftedMoments(TensorScope scope, ContractionTask task, List<TileConsumer> consumers) {
        var ops = backend.elementwise();
        Tensor sum = task.destinations().get(0);
        Tensor squares = task.destinations().get(1);
        long first = Math.min(samples, SHIFT_SAMPLES);
        Tensor center = scope.allocate(parameter, dtype);
        try (TensorScope step = backend.openScope()) {
            Tensor gradients = step.allocate(parameter.prepend(1, first), dtype);
            perSample(new Block(0, 1, 0, first), gradients);
            Tensor rows = step.view(gradients, parameter.prepend(first));
            backend.reductions().reduce(Reduction.SUM, rows, 0, 1, center);
            ops.affine(center, 1.0 / Math.max(1, first), 0, center);
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

    private void make(TensorScope scope, List<TileConsumer> consumers, @Nullable Tensor materialised) {
        if (materialised == null) {
            consumeTiles(consumers);
        } else {
            long batch = columns * samples;
            Tensor rows = scope.view(materialised, parameter.prepend(batch));
            backend.contractions().consume(rows, 0, batch, consumers);
        }
    }

    private TileConsumer consumer(TensorScope scope, ContractionTask task, @Nullable Tensor materialised) {
        Contraction contraction = task.contraction();
        Tensor destination = task.destination();
        long batch = columns * samples;
        if (contraction instanceof Contraction.Sum) {
            return new TileConsumer.Sum(destination);
        } else if (contraction instanceof Contraction.Moments) {
            return centredSquares(scope, task, materialised);
        } else if (contraction instanceof Contraction.SumOfSquares) {
            return new TileConsumer.SumOfSquares(destination, null, weights(scope, task));
        } else if (contraction instanceof Contraction.SumOfSquaresPerSample) {
            return new TileConsumer.SumOfSquaresPerSample(destination, weights(scope, task));
        } else if (contraction instanceof Contraction.SquaredNorms) {
            return new TileConsumer.SquaredNorms(scope.view(destination, Shape.of(batch)));
        } else if (contraction instanceof Contraction.Dot dot) {
            return new TileConsumer.Dot(task.requiredOperand(), scope.view(destination, Shape.of(dot.count(), batch)));
        } else if (contraction instanceof Contraction.WeightedSum weighted) {
            return new TileConsumer.WeightedSum(
                    scope.view(task.requiredOperand(), Shape.of(weighted.count(), batch)), destination);
        }
        throw new BackpackException(
                "UnsupportedContraction",
                "The derivatives of this parameter have no %s. Override hasDirectForm and computeDirectly, or declare no Kronecker factors and no position axes."
                        .formatted(contraction));
    }

    private @Nullable Tensor weights(TensorScope scope, ContractionTask task) {
        return task.operand() == null ? null : scope.view(task.operand(), Shape.of(columns * samples));
    }

    /** Σ first, then Σ (g − mean)² about the mean: nothing cancels, and nothing becomes negative. */
    private TileConsumer centredSquares(TensorScope scope, ContractionTask task, @Nullable Tensor materialised) {
        Tensor sum = task.destinations().get(0);
        total(sum, materialised);
        Tensor mean = scope.allocate(parameter, dtype);
        backend.elementwise().affine(sum, 1.0 / Math.max(1, columns * samples), 0, mean);
        return new TileConsumer.SumOfSquares(task.destinations().get(1), mean, null, true);
    }

    /** Adds Σ_v Σ_n g_vn to {@code destination}, {@code *p}. */
    private void total(Tensor destination, @Nullable Tensor materialised) {
        try (TensorScope scope = backend.openScope()) {
            Contraction sum = new Contraction.Sum();
            if (!hasDirectForm(sum)) {
                make(scope, List.of(new TileConsumer.Sum(scope.view(destination, parameter.prepend(1)))), materialised);
            } else if (columns == 1) {
                Tensor target = scope.view(destination, parameter.prepend(1));
                computeDirectly(new ContractionTask(sum, List.of(target), null, !totalIsOverwritten()));
            } else {
                Tensor perColumn = scope.allocate(parameter.prepend(columns), dtype);
                backend.elementwise().fill(perColumn, 0);
                computeDirectly(new ContractionTask(sum, List.of(perColumn), null, true));
                backend.reductions().reduce(Reduction.SUM, perColumn, 0, 1, destination);
            }
        }
    }

    private void materialise(Contraction.PerSample contraction, Tensor destination) {
        if (contraction.subsampling().isEmpty()) {
            perSample(new Block(0, columns, 0, samples), destination);
            return;
        }
        List<Integer> wanted = contraction.subsampling().get();
        try (TensorScope scope = backend.openScope()) {
            Tensor rows = scope.view(destination, parameter.prepend(columns * wanted.size()));
            for (long column = 0; column < columns; column++) {
                for (int from = 0; from < wanted.size(); ) {
                    int to = endOfRun(wanted, from);
                    long first = column * wanted.size() + from;
                    Tensor target = scope.rows(rows, first, first + to - from);
                    int sample = wanted.get(from);
                    perSample(
                            new Block(column, column + 1, sample, sample + to - from),
                            scope.view(target, parameter.prepend(1, to - from)));
                    from = to;
                }
            }
        }
    }

    private static int endOfRun(List<Integer> indices, int from) {
        int to = from + 1;
        while (to < indices.size() && indices.get(to) == indices.get(to - 1) + 1) {
            to++;
        }
        return to;
    }

    private void innerProducts(boolean sameSample, Tensor destination) {
        if (sameSample) {
            innerProductsOfSamples(destination);
            return;
        }
        Region all = Region.all(destination.shape());
        tiles((left, leftRows) -> tiles((right, rightRows) -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor products = scope.allocate(Shape.of(left.samples(), right.samples()), dtype);
                backend.products().multiply(flat(scope, leftRows), false, flat(scope, rightRows), true, 1, 0, products);
                Region region = all.with(0, left.fromColumn() * samples + left.fromSample(), left.samples())
                        .with(1, right.fromColumn() * samples + right.fromSample(), right.samples());
                backend.indexing().insert(products, region, destination);
            }
        }));
    }

    private void innerProductsOfSamples(Tensor destination) {
        for (long sample = 0; sample < samples; sample++) {
            try (TensorScope scope = backend.openScope()) {
                Tensor gradients = scope.allocate(parameter.prepend(columns, 1), dtype);
                perSample(new Block(0, columns, sample, sample + 1), gradients);
                Tensor rows = scope.view(gradients, Shape.of(columns, parameter.elements()));
                Tensor target = scope.rows(destination, sample, sample + 1);
                backend.products()
                        .multiply(rows, false, rows, true, 1, 0, scope.view(target, Shape.of(columns, columns)));
            }
        }
    }

    private void outerProducts(Tensor destination) {
        tiles((block, gradients) -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor rows = flat(scope, gradients);
                backend.products().multiply(rows, true, rows, false, 1, 1, destination);
            }
        });
    }

    private Tensor flat(TensorScope scope, Tensor gradients) {
        return scope.view(gradients, Shape.of(gradients.shape().size(1), parameter.elements()));
    }
}
