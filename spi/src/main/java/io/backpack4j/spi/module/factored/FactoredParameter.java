package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * The gradients of a parameter that multiplies: g_vn = Σ_s left_vns ⊗ right_ns, left being cotangents of an output and right an input, at S
 * positions that share the parameter. Weights of linear maps, convolutions, recurrent cells and attention projections are of this kind.
 *
 * <p>With one position the contractions have closed forms in the factors. With several, sums stay matrix products, squared norms go over
 * the Gram matrices of the positions where these are smaller (Rochette, Manoel, Tramel 2019), and squares are fused into the product. It has both
 * Kronecker factors: say so with {@link io.backpack4j.spi.module.ParameterSpec#withKronecker}.
 */
public final class FactoredParameter extends ParameterDerivatives {

    private final FactorSizes sizes;
    private final FactorSource source;

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
        super(backend, parameter, dtype, columns, samples);
        this.sizes = sizes;
        this.source = source;
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        try (TensorScope scope = backend().openScope()) {
            PerSampleProduct product = source.factors(scope, block);
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

    @Override
    protected void consumeTiles(List<TileConsumer> consumers) {
        try (TensorScope scope = backend().openScope()) {
            backend().contractions().contract(all(scope), consumers);
        }
    }

    @Override
    protected boolean hasDirectForm(Contraction contraction) {
        if (contraction instanceof Contraction.SquaredNorms) {
            return sizes.positions() == 1 || sizes.prefersGram();
        }
        if (contraction instanceof Contraction.InputFactor || contraction instanceof Contraction.OutputFactor) {
            return true;
        }
        if (contraction instanceof Contraction.SumOfSquaresOverPositions) {
            return sizes.groups() == 1 && sizes.positionsFirst();
        }
        boolean summed = contraction instanceof Contraction.Sum || contraction instanceof Contraction.WeightedSum;
        if (summed || contraction instanceof Contraction.Dot) {
            return sizes.groups() == 1 && sizes.positionsFirst();
        }
        boolean squared = contraction instanceof Contraction.SumOfSquares
                || contraction instanceof Contraction.SumOfSquaresPerSample
                || contraction instanceof Contraction.InnerProducts;
        return squared && sizes.groups() == 1 && sizes.positions() == 1 && sizes.positionsFirst();
    }

    @Override
    protected boolean isCheaperFromTiles(Contraction contraction) {
        return contraction instanceof Contraction.SquaredNorms && sizes.positions() > 1;
    }

    /** With one position a gradient is an outer product of two vectors. */
    @Override
    protected boolean consumesWithoutTiles() {
        return sizes.groups() == 1 && sizes.positions() == 1;
    }

    @Override
    protected boolean overwritesDirectly(Contraction contraction) {
        return contraction instanceof Contraction.Sum
                || contraction instanceof Contraction.SumOfSquares
                || contraction instanceof Contraction.SumOfSquaresOverPositions
                || contraction instanceof Contraction.SumOfSquaresPerSample;
    }

    @Override
    protected void computeDirectly(ContractionTask task) {
        Contraction contraction = task.contraction();
        try (TensorScope scope = backend().openScope()) {
            PerSampleProduct product = all(scope);
            if (contraction instanceof Contraction.Sum) {
                sum(scope, product, task);
            } else if (contraction instanceof Contraction.SumOfSquares
                    || contraction instanceof Contraction.SumOfSquaresOverPositions) {
                sumOfSquares(scope, product, task);
            } else if (contraction instanceof Contraction.SumOfSquaresPerSample) {
                sumOfSquaresPerSample(scope, product, task);
            } else if (contraction instanceof Contraction.SquaredNorms) {
                squaredNorms(scope, product, task.destination());
            } else if (contraction instanceof Contraction.Dot) {
                dot(scope, product, task.requiredOperand(), task.destination());
            } else if (contraction instanceof Contraction.WeightedSum) {
                weightedSum(scope, product, task.requiredOperand(), task.destination());
            } else if (contraction instanceof Contraction.InnerProducts products) {
                innerProducts(scope, product, products.sameSample(), task.destination());
            } else if (contraction instanceof Contraction.InputFactor factor) {
                KroneckerPositions positions = new KroneckerPositions(factor.convention(), sizes.positions());
                addGram(
                        scope,
                        product.right(),
                        !product.rightTransposed(),
                        positions.sumsInputs(),
                        positions.inputScale(),
                        task.destination());
            } else if (contraction instanceof Contraction.OutputFactor factor) {
                boolean summed = new KroneckerPositions(factor.convention(), sizes.positions()).sumsOutputs();
                addGram(scope, product.left(), product.leftTransposed(), summed, 1, task.destination());
            } else {
                super.computeDirectly(task);
            }
        }
    }

    private void addGram(
            TensorScope scope,
            Tensor factor,
            boolean positionsFirst,
            boolean summed,
            double scale,
            Tensor destination) {
        long length = factor.shape().size(positionsFirst ? 3 : 2);
        Tensor target = scope.view(destination, Shape.of(sizes.groups(), length, length));
        backend().products().addGram(factor, positionsFirst, summed, scale, target);
    }

    private PerSampleProduct all(TensorScope scope) {
        return source.factors(scope, new Block(0, columns(), 0, samples()));
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

    /** Σ_n Σ_s left ⊗ right: one product over all samples and positions per column. */
    private void sum(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        Tensor left = scope.view(product.left(), Shape.of(columns(), joined(), sizes.rows()));
        Tensor right = scope.view(product.right(), Shape.of(1, joined(), sizes.columns()));
        Tensor target = scope.view(task.destination(), Shape.of(columns(), sizes.rows(), sizes.columns()));
        backend().products().multiply(left, true, right, false, 1, kept(task), target);
    }

    /** Σ_ns (Σ_v w_vn left_vns²) ⊗ right_ns²: right for one position, and for positions that stand alone as if each were a sample. */
    private void sumOfSquares(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        Tensor summed = squaredLeft(scope, product, task);
        Tensor right = squaredRight(scope, product);
        Tensor target = scope.view(task.destination(), Shape.of(sizes.rows(), sizes.columns()));
        backend().products().multiply(summed, true, right, false, 1, kept(task), target);
    }

    private void sumOfSquaresPerSample(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        Tensor left = scope.view(squaredLeft(scope, product, task), Shape.of(samples(), 1, sizes.rows()));
        Tensor right = scope.view(squaredRight(scope, product), Shape.of(samples(), 1, sizes.columns()));
        Tensor target = scope.view(task.destination(), Shape.of(samples(), sizes.rows(), sizes.columns()));
        backend().products().multiply(left, true, right, false, 1, kept(task), target);
    }

    /** Σ_v w_vn left_vns², {@code [N · S, M]}. */
    private Tensor squaredLeft(TensorScope scope, PerSampleProduct product, ContractionTask task) {
        var ops = backend().elementwise();
        Tensor squares = scope.allocate(Shape.of(columns() * joined(), sizes.rows()), dtype());
        ops.apply(UnaryOperation.SQUARE, scope.view(product.left(), squares.shape()), squares);
        if (task.operand() != null) {
            Tensor weights = scope.view(task.operand(), Shape.of(columns() * samples(), 1));
            ops.combine(BinaryOperation.MULTIPLY, squares, weights, squares);
        }
        if (columns() == 1) {
            return squares;
        }
        Tensor summed = scope.allocate(Shape.of(joined(), sizes.rows()), dtype());
        Tensor byColumn = scope.view(squares, summed.shape().prepend(columns()));
        backend().reductions().reduce(Reduction.SUM, byColumn, 0, 1, summed);
        return summed;
    }

    private void squaredNorms(TensorScope scope, PerSampleProduct product, Tensor destination) {
        if (sizes.positions() == 1 && sizes.groups() == 1) {
            Tensor right = scope.allocate(Shape.of(samples()), dtype());
            Tensor rights = scope.view(product.right(), Shape.of(samples(), sizes.columns()));
            backend().contractions().rowDots(rights, rights, right);
            Tensor lefts = scope.view(product.left(), Shape.of(columns() * samples(), sizes.rows()));
            Tensor left = scope.view(destination, Shape.of(columns() * samples()));
            backend().contractions().rowDots(lefts, lefts, left);
            backend().elementwise().combine(BinaryOperation.MULTIPLY, destination, right, destination);
        } else {
            for (long column = 0; column < columns(); column++) {
                gramNorms(column, destination);
            }
        }
    }

    /** ‖Σ_s left_s ⊗ right_s‖² = Σ_st ⟨left_s, left_t⟩ ⟨right_s, right_t⟩, some samples at a time. */
    private void gramNorms(long column, Tensor destination) {
        long gram = sizes.groups() * sizes.positions() * sizes.positions();
        long run = Math.max(1, Math.min(samples(), (1 << 19) / Math.max(1, gram)));
        for (long from = 0; from < samples(); from += run) {
            long to = Math.min(samples(), from + run);
            try (TensorScope scope = backend().openScope()) {
                PerSampleProduct product = source.factors(scope, new Block(column, column + 1, from, to));
                Shape shape = Shape.of(to - from, sizes.groups(), sizes.positions(), sizes.positions());
                Tensor left = scope.allocate(shape, dtype());
                boolean leftByPosition = product.leftTransposed();
                backend()
                        .products()
                        .multiply(product.left(), !leftByPosition, product.left(), leftByPosition, 1, 0, left);
                Tensor right = scope.allocate(shape, dtype());
                boolean rightByPosition = !product.rightTransposed();
                backend()
                        .products()
                        .multiply(product.right(), !rightByPosition, product.right(), rightByPosition, 1, 0, right);
                Shape rows = Shape.of(to - from, gram);
                Tensor flat = scope.view(destination, Shape.of(columns() * samples()));
                Tensor target = scope.rows(flat, column * samples() + from, column * samples() + to);
                backend().contractions().rowDots(scope.view(left, rows), scope.view(right, rows), target);
            }
        }
    }

    /** ⟨u_k, g_vn⟩ = Σ_s ⟨left_vns, u_k right_ns⟩. */
    private void dot(TensorScope scope, PerSampleProduct product, Tensor vectors, Tensor destination) {
        long count = vectors.shape().size(0);
        Tensor matrices = scope.view(vectors, Shape.of(count, sizes.rows(), sizes.columns()));
        Tensor right = scope.view(product.right(), Shape.of(1, joined(), sizes.columns()));
        Tensor images = scope.allocate(Shape.of(count, joined(), sizes.rows()), dtype());
        backend().products().multiply(right, false, matrices, true, 1, 0, images);
        long perSample = sizes.positions() * sizes.rows();
        Tensor left = scope.view(product.left(), Shape.of(columns() * samples(), perSample));
        Tensor flat = scope.view(destination, Shape.of(count * columns() * samples()));
        Tensor imageRows = scope.view(images, Shape.of(count * samples(), perSample));
        for (long k = 0; k < count; k++) {
            for (long v = 0; v < columns(); v++) {
                long first = (k * columns() + v) * samples();
                backend()
                        .contractions()
                        .rowDots(
                                scope.rows(left, v * samples(), (v + 1) * samples()),
                                scope.rows(imageRows, k * samples(), (k + 1) * samples()),
                                scope.rows(flat, first, first + samples()));
            }
        }
    }

    /** Σ_vn w_kvn g_vn: columns share their right factor, so they are added first. */
    private void weightedSum(TensorScope scope, PerSampleProduct product, Tensor weights, Tensor destination) {
        long count = weights.shape().size(0);
        long perSample = sizes.positions() * sizes.rows();
        Tensor left = scope.view(product.left(), Shape.of(columns() * samples(), perSample));
        Tensor right = scope.view(product.right(), Shape.of(joined(), sizes.columns()));
        Tensor flatWeights = scope.view(weights, Shape.of(count * columns() * samples(), 1));
        Tensor scaled = scope.allocate(left.shape(), dtype());
        Tensor targets = scope.view(destination, Shape.of(count, sizes.rows(), sizes.columns()));
        for (long k = 0; k < count; k++) {
            try (TensorScope step = backend().openScope()) {
                long first = k * columns() * samples();
                Tensor own = step.rows(flatWeights, first, first + columns() * samples());
                backend().elementwise().combine(BinaryOperation.MULTIPLY, left, own, scaled);
                Tensor summed = step.view(overColumns(step, scaled), Shape.of(joined(), sizes.rows()));
                Tensor target = step.rows(targets, k, k + 1);
                backend()
                        .products()
                        .multiply(
                                summed,
                                true,
                                right,
                                false,
                                1,
                                1,
                                step.view(target, Shape.of(sizes.rows(), sizes.columns())));
            }
        }
    }

    /** One position: ⟨g_vn, g_wm⟩ = ⟨left_vn, left_wm⟩ ⟨right_n, right_m⟩. */
    private void innerProducts(TensorScope scope, PerSampleProduct product, boolean sameSample, Tensor destination) {
        var products = backend().products();
        Tensor right = scope.view(product.right(), Shape.of(samples(), sizes.columns()));
        if (sameSample) {
            Tensor left = scope.view(product.left(), Shape.of(columns(), samples(), sizes.rows()));
            Tensor bySample = scope.allocate(Shape.of(samples(), columns(), sizes.rows()), dtype());
            backend().indexing().permute(left, new int[] {1, 0, 2}, bySample);
            products.multiply(bySample, false, bySample, true, 1, 0, destination);
            Tensor norms = scope.allocate(Shape.of(samples()), dtype());
            backend().contractions().rowDots(right, right, norms);
            Tensor factors = scope.view(norms, Shape.of(samples(), 1, 1));
            backend().elementwise().combine(BinaryOperation.MULTIPLY, destination, factors, destination);
        } else {
            Tensor left = scope.view(product.left(), Shape.of(columns() * samples(), sizes.rows()));
            products.multiply(left, false, left, true, 1, 0, destination);
            Tensor gram = scope.allocate(Shape.of(samples(), samples()), dtype());
            products.multiply(right, false, right, true, 1, 0, gram);
            Tensor blocks = scope.view(destination, Shape.of(columns(), samples(), columns(), samples()));
            Tensor factors = scope.view(gram, Shape.of(1, samples(), 1, samples()));
            backend().elementwise().combine(BinaryOperation.MULTIPLY, blocks, factors, blocks);
        }
    }

    private Tensor overColumns(TensorScope scope, Tensor rows) {
        if (columns() == 1) {
            return rows;
        }
        long length = rows.shape().elements(1, rows.shape().rank());
        Tensor summed = scope.allocate(Shape.of(samples(), length), dtype());
        Tensor byColumn = scope.view(rows, Shape.of(columns(), samples(), length));
        backend().reductions().reduce(Reduction.SUM, byColumn, 0, 1, summed);
        return summed;
    }

    private Tensor squaredRight(TensorScope scope, PerSampleProduct product) {
        Tensor squares = scope.allocate(Shape.of(joined(), sizes.columns()), dtype());
        backend().elementwise().apply(UnaryOperation.SQUARE, scope.view(product.right(), squares.shape()), squares);
        return squares;
    }

    /** The factor of what a destination holds. */
    private static double kept(ContractionTask task) {
        return task.accumulate() ? 1 : 0;
    }

    /** Samples times positions. */
    private long joined() {
        return samples() * sizes.positions();
    }
}
