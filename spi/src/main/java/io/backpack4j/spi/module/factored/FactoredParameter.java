// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.DirectForm;
import io.backpack4j.spi.module.DirectForms;
import io.backpack4j.spi.module.GradientMap;
import io.backpack4j.spi.module.GradientRows;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of a parameter that multiplies: g_vn = Σ_s left_vns ⊗ right_ns, left being cotangents of an output and
 * right an input, at S positions that share the parameter. Weights of linear maps, convolutions, recurrent cells and
 * attention projections are of this kind.
 *
 * <p>With one position the contractions have closed forms in the factors. With several, sums stay matrix products,
 * squared norms go over the Gram matrices of the positions where these are smaller (Rochette, Manoel, Tramel 2019), and
 * squares are fused into the product, or multiplied out over pairs of positions where these are few. Several uses of a
 * parameter are as many more positions. It has both Kronecker factors: say so with {@link
 * io.backpack4j.spi.module.ParameterSpec#withKronecker}.
 */
public final class FactoredParameter extends ParameterDerivatives {

    private final FactorSizes sizes;
    /** One for every use of the parameter; their positions are one list. */
    private final List<FactorSource> sources;

    private final Optional<SharedOutputs> shared;

    private final Forms forms = new Forms();

    /** ⟨g_n, Σ_m g_m⟩ of one column, once somebody wanted to see them. */
    private double @Nullable [] dotsWithSum;

    /**
     * Creates derivatives.
     *
     * @param backend the arithmetic
     * @param parameter the parameter's shape, with as many elements as {@code sizes.tile()} and in its order
     * @param dtype the element type
     * @param columns V
     * @param samples N
     * @param sizes the sizes of the factors
     * @param source the factors
     */
    public FactoredParameter(
            Backend backend,
            Shape parameter,
            DType dtype,
            long columns,
            long samples,
            FactorSizes sizes,
            FactorSource source) {
        this(backend, parameter, dtype, columns, samples, sizes, List.of(source), Optional.empty());
    }

    /** The same, whose left factors other parameters have, too. */
    public FactoredParameter sharing(SharedOutputs outputs) {
        return new FactoredParameter(
                backend(), parameter(), dtype(), columns(), samples(), sizes, sources, Optional.of(outputs));
    }

    private FactoredParameter(
            Backend backend,
            Shape parameter,
            DType dtype,
            long columns,
            long samples,
            FactorSizes sizes,
            List<FactorSource> sources,
            Optional<SharedOutputs> shared) {
        super(backend, parameter, dtype, columns, samples);
        this.sizes = sizes;
        this.sources = sources;
        this.shared = shared;
    }

    /** With the positions of all uses one behind the other, where these have factors of the same sizes. */
    @Override
    protected Optional<ParameterDerivatives> joined(List<ParameterDerivatives> further) {
        List<FactorSource> all = new ArrayList<>(sources);
        long positions = sizes.positions();
        for (ParameterDerivatives derivatives : further) {
            if (!(derivatives instanceof FactoredParameter use) || !sizes.joins(use.sizes)) {
                return Optional.empty();
            }
            all.addAll(use.sources);
            positions += use.sizes.positions();
        }
        return Optional.of(new FactoredParameter(
                backend(),
                parameter(),
                dtype(),
                columns(),
                samples(),
                sizes.withPositions(positions),
                all,
                Optional.empty()));
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        try (TensorScope scope = backend().openScope()) {
            PerSampleProduct product = factors(scope, block);
            if (block.columns() == 1 || product.samples() == product.batch()) {
                multiply(product, scope.view(destination, sizes.tile().prepend(product.batch())));
            } else {
                Tensor all = scope.view(destination, sizes.tile().prepend(product.batch()));
                for (long from = 0; from < product.batch(); from += product.samples()) {
                    long to = from + product.samples();
                    Tensor left = scope.rows(product.left(), from, to);
                    multiply(
                            new PerSampleProduct(
                                    left, product.leftTransposed(), product.right(), product.rightTransposed()),
                            scope.rows(all, from, to));
                }
            }
        }
    }

    /** Factors of the samples, gathered. */
    @Override
    public ParameterDerivatives ofSamples(List<Integer> positions) {
        List<FactorSource> selected = new ArrayList<>();
        sources.forEach(source -> selected.add(new SelectedFactors(backend(), source, positions, samples())));
        return new FactoredParameter(
                backend(),
                parameter(),
                dtype(),
                columns(),
                positions.size(),
                sizes,
                List.copyOf(selected),
                Optional.empty());
    }

    /** Inner products of factors, where those of gradients take more. */
    @Override
    protected boolean addInnerProductsWith(ParameterDerivatives right, boolean sameSample, Tensor destination) {
        if (!(right instanceof FactoredParameter other) || !sizes.equals(other.sizes)) {
            return false;
        }
        var grams = new CrossGrams(backend(), dtype(), sizes, this::factors, other::factors);
        var counts = new CrossGrams.Counts(columns(), samples(), other.columns(), other.samples());
        if (!grams.isCheaper(counts, sameSample, this == right)) {
            return false;
        }
        if (sameSample) {
            grams.addOfSamples(counts, destination);
        } else {
            grams.addOfAll(counts, this == right, destination);
        }
        return true;
    }

    @Override
    protected Optional<GradientRows> rows(TensorScope scope) {
        return sizes.groups() == 1 ? Optional.of(new FactorRows(backend(), all(scope))) : Optional.empty();
    }

    @Override
    protected void consumeTiles(List<TileConsumer> consumers) {
        try (TensorScope scope = backend().openScope()) {
            backend().contractions().contract(all(scope), consumers);
        }
    }

    @Override
    protected Optional<DirectForm> directForm(Contraction contraction) {
        return contraction.accept(forms);
    }

    /** With one position a gradient is an outer product of two vectors. */
    @Override
    protected boolean consumesWithoutTiles() {
        return sizes.groups() == 1 && sizes.positions() == 1;
    }

    private void gram(
            TensorScope scope,
            Tensor factor,
            boolean positionsFirst,
            boolean summed,
            double scale,
            boolean accumulate,
            Tensor destination) {
        long length = factor.shape().size(positionsFirst ? 3 : 2);
        Tensor target = scope.view(destination, Shape.of(sizes.groups(), length, length));
        if (accumulate) {
            backend().products().addGram(factor, positionsFirst, summed, scale, target);
        } else {
            backend().products().gram(factor, positionsFirst, summed, scale, target);
        }
    }

    private PerSampleProduct all(TensorScope scope) {
        return factors(scope, new Block(0, columns(), 0, samples()));
    }

    private PerSampleProduct factors(TensorScope scope, Block block) {
        return JoinedFactors.of(backend(), scope, ofUses(scope, block));
    }

    private List<PerSampleProduct> ofUses(TensorScope scope, Block block) {
        List<PerSampleProduct> products = new ArrayList<>(sources.size());
        for (FactorSource source : sources) {
            products.add(source.factors(scope, block));
        }
        return products;
    }

    private FactorGrams grams() {
        return new FactorGrams(backend(), dtype(), columns(), samples(), sizes);
    }

    private FactorSums sums() {
        return new FactorSums(backend(), dtype(), columns(), samples(), sizes);
    }

    private FactorReductions reductions() {
        return new FactorReductions(backend(), dtype(), columns(), samples(), sizes);
    }

    private void multiply(PerSampleProduct product, Tensor destination) {
        backend()
                .products()
                .multiply(
                        product.left(),
                        product.leftTransposed(),
                        product.right(),
                        product.rightTransposed(),
                        1,
                        0,
                        destination);
    }

    private double[] dotsWithSum(PerSampleProduct product) {
        double[] known = dotsWithSum;
        if (known == null) {
            try (TensorScope scope = backend().openScope()) {
                Tensor dots = scope.allocate(Shape.of(samples()), dtype());
                sums().dotsWithSum(scope, product, dots);
                known = dots.toDoubleArray();
                dotsWithSum = known;
            }
        }
        return known;
    }

    /** Pairs of positions, or gradients where digits of these cancel. */
    private void squaresByPairs(ContractionTask task) {
        boolean perSample = task.contraction().mergeRule() == MergeRule.PER_SAMPLE;
        Shape tile = Shape.of(sizes.rows(), sizes.columns());
        Tensor destination = task.destination();
        try (TensorScope scope = backend().openScope()) {
            Tensor target = task.accumulate() ? scope.allocate(destination.shape(), dtype()) : destination;
            Tensor matrices = scope.view(target, perSample ? tile.prepend(samples()) : tile);
            var pairs = new PositionPairs(backend(), scope, ofUses(scope, new Block(0, columns(), 0, samples())));
            if (pairs.squares(task.operand(), perSample, matrices)) {
                if (task.accumulate()) {
                    backend().elementwise().addScaled(1, target, destination);
                }
                return;
            }
        }
        if (!task.accumulate()) {
            backend().elementwise().fill(destination, 0);
        }
        try (TensorScope scope = backend().openScope()) {
            Tensor weights =
                    task.operand() == null ? null : scope.view(task.operand(), Shape.of(columns() * samples()));
            consumeTiles(List.of(
                    perSample
                            ? new TileConsumer.SumOfSquaresPerSample(destination, weights)
                            : new TileConsumer.SumOfSquares(destination, null, weights)));
        }
    }

    /** What follows from the factors. */
    private final class Forms implements DirectForms {

        /** A computation that sees all factors. */
        private interface OfFactors {
            void compute(TensorScope scope, PerSampleProduct product, ContractionTask task);
        }

        private Consumer<ContractionTask> of(OfFactors computation) {
            return task -> {
                try (TensorScope scope = backend().openScope()) {
                    computation.compute(scope, all(scope), task);
                }
            };
        }

        private boolean isMatrix() {
            return sizes.groups() == 1 && sizes.positionsFirst();
        }

        private boolean isSingle() {
            return isMatrix() && sizes.positions() == 1;
        }

        private static Optional<DirectForm> given(boolean exists, Supplier<DirectForm> form) {
            return exists ? Optional.of(form.get()) : Optional.empty();
        }

        @Override
        public Optional<DirectForm> visit(Contraction.Sum contraction) {
            return given(isMatrix(), () -> DirectForm.overwriting(of(sums()::sum)));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.SumOfSquares contraction) {
            if (sizes.positions() > 1) {
                return given(
                        sizes.prefersPairs(columns()),
                        () -> DirectForm.overwriting(FactoredParameter.this::squaresByPairs));
            }
            return given(isSingle(), () -> DirectForm.overwriting(of(sums()::sumOfSquares)));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.SumOfSquaresOverPositions contraction) {
            return given(isMatrix(), () -> DirectForm.overwriting(of(sums()::sumOfSquares)));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.SumOfSquaresPerSample contraction) {
            if (sizes.positions() > 1) {
                return given(
                        columns() > 1 && sizes.prefersPairs(columns()),
                        () -> DirectForm.overwriting(FactoredParameter.this::squaresByPairs));
            }
            return given(isSingle(), () -> DirectForm.overwriting(of(sums()::sumOfSquaresPerSample)));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.SquaredNorms contraction) {
            DirectForm form = DirectForm.adding(of((scope, product, task) ->
                    grams().squaredNorms(product, block -> factors(scope, block), task.destination())));
            return given(
                    sizes.positions() == 1 || sizes.prefersGram(),
                    () -> sizes.positions() > 1 ? form.unlessTilesAreMade() : form);
        }

        @Override
        public Optional<DirectForm> visit(Contraction.Extremes contraction) {
            return given(
                    isSingle(),
                    () -> DirectForm.adding(
                            of((scope, product, task) -> reductions().extremes(product, task.destination()))));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.CentredSquaredNorm contraction) {
            var norm = new CentredNorm(backend(), dtype(), samples(), sizes);
            return given(
                    isSingle() && columns() == 1 && samples() > 0 && norm.isSmall(),
                    () -> DirectForm.overwriting(of((scope, product, task) -> {
                        Tensor destination = task.destination();
                        boolean done = sizes.hasRoomForPairsOfSamples(samples())
                                && centredSquaredNorm(norm.squaredNorms(product), dotsWithSum(product), destination);
                        if (!done && !norm.computes(product, destination)) {
                            centredSquaredNormByMoments(destination);
                        }
                    })));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.DotWithSum contraction) {
            return given(
                    isSingle() && columns() == 1 && sizes.prefersPairsOfSamples(samples()),
                    () -> DirectForm.adding(of((scope, product, task) -> {
                        double[] known = dotsWithSum;
                        if (known == null || task.operand() != null) {
                            sums().dotWithSum(scope, product, task);
                        } else {
                            task.destination().write(0, known, 0, known.length);
                        }
                    })));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.TraceOverPositions contraction) {
            return given(
                    isMatrix(),
                    () -> DirectForm.adding(of(
                            (scope, product, task) -> reductions().traceOverPositions(product, task.destination()))));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.InnerProducts contraction) {
            return given(
                    isSingle() || sizes.prefersGramOfAll(),
                    () -> DirectForm.adding(of((scope, product, task) ->
                            grams().innerProducts(product, contraction.sameSample(), task.destination()))));
        }

        private boolean isOfFactors(KroneckerSizes bases) {
            return bases.groups() == 1
                    && bases.leading() == 1
                    && !bases.diagonalInputs()
                    && bases.outputs() == sizes.rows()
                    && bases.inputs() == sizes.columns();
        }

        /** Outer products of mapped factors, where one position or other bases make that cheaper. */
        @Override
        public Optional<DirectForm> visit(Contraction.MappedInnerProducts contraction) {
            boolean fits = contraction.bases().map(this::isOfFactors).orElse(sizes.positions() == 1);
            return given(
                    isMatrix() && fits,
                    () -> DirectForm.overwriting(of(
                            (scope, product, task) -> new MappedFactors(backend(), dtype(), columns(), samples(), sizes)
                                    .innerProducts(
                                            product,
                                            GradientMap.of(backend(), scope, contraction, task.requiredOperand()),
                                            task.destination()))));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.Dot contraction) {
            return given(
                    isMatrix(),
                    () -> DirectForm.adding(of((scope, product, task) ->
                            sums().dot(scope, product, task.requiredOperand(), task.destination()))));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.WeightedSum contraction) {
            return given(
                    isMatrix(),
                    () -> DirectForm.adding(of((scope, product, task) ->
                            sums().weightedSum(scope, product, task.requiredOperand(), task.destination()))));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.InputFactor factor) {
            KroneckerPositions positions = new KroneckerPositions(factor.convention(), sizes.positions());
            return Optional.of(DirectForm.overwriting(of((scope, product, task) -> gram(
                    scope,
                    product.right(),
                    !product.rightTransposed(),
                    positions.sumsInputs(),
                    factor.scale() * positions.inputScale(),
                    task.accumulate(),
                    task.destination()))));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.OutputFactor factor) {
            boolean summed = new KroneckerPositions(factor.convention(), sizes.positions()).sumsOutputs();
            return Optional.of(DirectForm.overwriting(of((scope, product, task) -> {
                boolean positionsFirst = product.leftTransposed();
                if (shared.isPresent()) {
                    shared.get()
                            .write(
                                    summed,
                                    task.accumulate(),
                                    task.destination(),
                                    target -> gram(scope, product.left(), positionsFirst, summed, 1, false, target));
                } else {
                    gram(scope, product.left(), positionsFirst, summed, 1, task.accumulate(), task.destination());
                }
            })));
        }
    }
}
