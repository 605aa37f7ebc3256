// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The per-sample gradients g_vn of one parameter, for V columns and N samples, as something that contractions can be
 * asked of. A module supplies {@link #perSample}; everything else has defaults that hold a few per-sample gradients at
 * a time. Parameters that are sums of outer products have better ones: {@link
 * io.backpack4j.spi.module.factored.FactoredParameter}.
 *
 * <p>Belongs to one thread and lives as long as its {@link Pullback}.
 */
public abstract class ParameterDerivatives {

    /** How much memory one run of per-sample gradients may take, unless one gradient takes more. */
    private static final long RUN_BYTES = 4 << 20;

    /** What is left over of squared norms without their mean's, at least: no more than two bits are lost. */
    private static final double LEAST_PART_OF_NORMS = 0.25;

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
     * @param uses those of every use, of one backend, type, number of columns and number of samples, and of the
     *     parameter's shape; at least one
     */
    public static ParameterDerivatives tied(List<ParameterDerivatives> uses) {
        return uses.size() == 1 ? uses.get(0) : new TiedDerivatives(uses);
    }

    /**
     * The derivatives of a parameter of which several nodes use rows: disjoint blocks stand one below the other,
     * overlapping ones add as {@linkplain #tied ties} do, and rows that nobody uses have none. Kronecker factors are
     * those of the blocks as groups, and need blocks of equal sizes that cover all rows.
     *
     * @param parameter the parameter's shape
     * @param uses those of every use, of one backend, type, number of columns and number of samples; at least one
     */
    public static ParameterDerivatives stacked(Shape parameter, List<RowDerivatives> uses) {
        return StackedDerivatives.of(parameter, uses);
    }

    /**
     * The sum of these derivatives and of further uses of the parameter as one, if that has better forms than the sum
     * of per-sample gradients. It is asked for all but what adds over uses, Kronecker factors and squares over
     * positions.
     */
    protected Optional<ParameterDerivatives> joined(List<ParameterDerivatives> further) {
        return Optional.empty();
    }

    /**
     * Adds the inner products of the per-sample gradients of two signals.
     *
     * @param left g_vn, V columns of N samples
     * @param right h_wm, W columns of M samples, of the same parameter, backend and type; may be {@code left} itself
     * @param sameSample whether samples of the same number meet only; there must be as many of each then
     * @param destination {@code [V·N, W·M]}, or {@code [N, V, W]}; added to
     */
    public static void addInnerProducts(
            ParameterDerivatives left, ParameterDerivatives right, boolean sameSample, Tensor destination) {
        new CrossExecution(left, right).add(sameSample, destination);
    }

    /**
     * The derivatives of some samples.
     *
     * @param positions the samples, in order, repetitions allowed
     */
    public ParameterDerivatives ofSamples(List<Integer> positions) {
        return new SelectedSamples(this, positions);
    }

    /**
     * Adds inner products as {@link #addInnerProducts} does, if these and the other derivatives have something cheaper
     * than gradients, or rows of them, together.
     *
     * @return whether they were added; if not, nothing was done
     */
    protected boolean addInnerProductsWith(ParameterDerivatives right, boolean sameSample, Tensor destination) {
        return false;
    }

    /**
     * The gradients by rows, if these can be made alone at no more than their part of the effort.
     *
     * @param scope outlives the rows, and owns what they are made of
     */
    protected Optional<GradientRows> rows(TensorScope scope) {
        return Optional.empty();
    }

    /**
     * Writes some per-sample gradients: the transposed Jacobian products of single samples.
     *
     * @param destination {@code [block.columns(), block.samples(), *p]}, overwritten
     */
    public abstract void perSample(Block block, Tensor destination);

    /** A way to compute a contraction without per-sample gradients, if there is one; see {@link DirectForms}. */
    protected Optional<DirectForm> directForm(Contraction contraction) {
        return Optional.empty();
    }

    /**
     * Whether {@link #consumeTiles} is cheaper than reading per-sample gradients that lie in memory already, because it
     * computes from something far smaller.
     */
    protected boolean consumesWithoutTiles() {
        return false;
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

    /**
     * Shows all per-sample gradients to a visitor, a run of neighbouring samples of one column at a time, column by
     * column.
     */
    public final void tiles(TileVisitor visitor) {
        long run = runOf(1);
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

    /** How many samples of some columns each are made in one run. */
    final long runOf(long count) {
        long bytes = Math.max(1, count * parameter.elements() * dtype.bytes());
        return Math.max(1, Math.min(samples, RUN_BYTES / bytes));
    }

    /**
     * Whether the gradients of all samples are kept where something is to be made of each of them and of their sum:
     * where they are no more than is made in one run anyway. Else the sum is made first.
     */
    protected boolean keepsGradients() {
        return gradientBytes() <= RUN_BYTES;
    }

    /** What all per-sample gradients take. */
    protected final long gradientBytes() {
        return columns * samples * parameter.elements() * dtype.bytes();
    }

    /**
     * Overwrites a destination with Σ_n ‖g_n − mean‖² = Σ_n ‖g_n‖² − Σ_n ⟨g_n, Σ_m g_m⟩ / N of one column, unless
     * digits cancel: mostly gradients of samples differ so much that hardly any does.
     *
     * @param norms Σ_n ‖g_n‖²
     * @param dotsWithSum ⟨g_n, Σ_m g_m⟩, one for every sample
     * @param destination {@code []}
     * @return whether the destination holds the result. Without numbers it does not, so that rehearsals see both ways
     */
    protected final boolean centredSquaredNorm(double norms, double[] dotsWithSum, Tensor destination) {
        double ofMean = 0;
        for (double dot : dotsWithSum) {
            ofMean += dot / dotsWithSum.length;
        }
        double result = norms - ofMean;
        boolean holds = result > 0 && result >= LEAST_PART_OF_NORMS * norms && result < Double.POSITIVE_INFINITY;
        if (holds) {
            backend.elementwise().fill(destination, result);
        }
        return holds;
    }

    /** Overwrites a destination with the same, right whatever the numbers are, in a walk of its own. */
    protected final void centredSquaredNormByMoments(Tensor destination) {
        CondensedContraction condensed =
                new Contraction.CentredSquaredNorm().condensed().orElseThrow();
        try (TensorScope scope = backend.openScope()) {
            List<Tensor> moments = new ArrayList<>();
            for (Shape shape : condensed.source().shapes(columns, samples, parameter)) {
                moments.add(scope.allocate(shape, dtype));
            }
            execute(List.of(new ContractionTask(condensed.source(), moments, null, false)));
            condensed.step().condense(backend, moments, destination);
        }
    }

    /** Computes all tasks; those that need per-sample gradients share them. */
    public final void execute(List<ContractionTask> tasks) {
        executeTogether(tasks);
    }

    /** Does the work of {@link #execute}. */
    void executeTogether(List<ContractionTask> tasks) {
        new ContractionExecution(this, tasks).run();
    }
}
