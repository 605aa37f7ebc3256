// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** The contractions of derivatives of which only the per-sample gradients are known. */
final class PortableForms implements ContractionVisitor<PortableForm> {

    private final ParameterDerivatives derivatives;
    private final boolean dotsWithSum;
    private final BiFunction<TensorScope, ContractionTask, TileConsumer> moments;
    private final Backend backend;
    private final Shape parameter;
    private final DType dtype;
    private final long columns;
    private final long samples;
    private final DerivedForms derived;

    /**
     * @param dotsWithSum whether inner products of gradients with their sum are made anyway
     * @param moments starts moments: their sum may come from elsewhere than tiles
     */
    PortableForms(
            ParameterDerivatives derivatives,
            boolean dotsWithSum,
            BiFunction<TensorScope, ContractionTask, TileConsumer> moments) {
        this.derivatives = derivatives;
        this.dotsWithSum = dotsWithSum;
        this.moments = moments;
        this.backend = derivatives.backend();
        this.parameter = derivatives.parameter();
        this.dtype = derivatives.dtype();
        this.columns = derivatives.columns();
        this.samples = derivatives.samples();
        this.derived = new DerivedForms(derivatives);
    }

    /** Whether the result is the gradients of all samples, in order. */
    boolean holdsGradients(Contraction contraction) {
        return contraction.equals(new Contraction.PerSample());
    }

    /** What makes a contraction of tiles. */
    TileConsumer consumer(TensorScope scope, ContractionTask task) {
        if (task.contraction().accept(this) instanceof PortableForm.OfTiles form) {
            return form.consumer().apply(scope, task);
        }
        throw new BackpackException(
                CommonProblems.UNSUPPORTED_CONTRACTION,
                "The derivatives of this parameter have no %s. Override directForm, or declare no Kronecker factors, no lookups and no position axes."
                        .formatted(task.contraction()));
    }

    @Override
    public PortableForm visit(Contraction.PerSample contraction) {
        return new PortableForm.OfLoop(task -> materialise(contraction, task.destination()));
    }

    @Override
    public PortableForm visit(Contraction.LookedUpIds contraction) {
        return new PortableForm.None();
    }

    @Override
    public PortableForm visit(Contraction.LookedUpRows contraction) {
        return new PortableForm.None();
    }

    @Override
    public PortableForm visit(Contraction.Sum contraction) {
        return new PortableForm.OfTiles((scope, task) -> new TileConsumer.Sum(task.destination()));
    }

    @Override
    public PortableForm visit(Contraction.Moments contraction) {
        return new PortableForm.OfTiles(moments);
    }

    @Override
    public PortableForm visit(Contraction.SumOfSquares contraction) {
        return new PortableForm.OfTiles(
                (scope, task) -> new TileConsumer.SumOfSquares(task.destination(), null, weights(scope, task)));
    }

    @Override
    public PortableForm visit(Contraction.SumOfSquaresOverPositions contraction) {
        return new PortableForm.None();
    }

    @Override
    public PortableForm visit(Contraction.SumOfSquaresPerSample contraction) {
        return new PortableForm.OfTiles(
                (scope, task) -> new TileConsumer.SumOfSquaresPerSample(task.destination(), weights(scope, task)));
    }

    @Override
    public PortableForm visit(Contraction.SquaredNorms contraction) {
        return new PortableForm.OfTiles((scope, task) ->
                new TileConsumer.SquaredNorms(scope.view(task.destination(), Shape.of(columns * samples))));
    }

    @Override
    public PortableForm visit(Contraction.Extremes contraction) {
        return new PortableForm.OfTiles((scope, task) -> new TileConsumer.Extremes(task.destination()));
    }

    @Override
    public PortableForm visit(Contraction.Trace contraction) {
        return derived.trace();
    }

    @Override
    public PortableForm visit(Contraction.TraceOverPositions contraction) {
        return new PortableForm.None();
    }

    @Override
    public PortableForm visit(Contraction.DotWithSum contraction) {
        return keepsTiles() ? new PortableForm.OfTiles(this::dotWithSum) : derived.dotWithSum();
    }

    @Override
    public PortableForm visit(Contraction.CentredSquaredNorm contraction) {
        return columns == 1 && samples > 0 && (keepsTiles() || dotsWithSum)
                ? derived.centredSquaredNorm()
                : derived.condensed(contraction.condensed().orElseThrow());
    }

    @Override
    public PortableForm visit(Contraction.InnerProducts contraction) {
        return new PortableForm.OfLoop(task -> {
            if (contraction.sameSample()) {
                innerProductsOfSamples(task.destination());
            } else {
                innerProducts(task.destination());
            }
        });
    }

    @Override
    public PortableForm visit(Contraction.MappedInnerProducts contraction) {
        return new PortableForm.OfLoop(task -> mappedInnerProducts(contraction, task));
    }

    @Override
    public PortableForm visit(Contraction.Dot contraction) {
        return new PortableForm.OfTiles((scope, task) -> new TileConsumer.Dot(
                task.requiredOperand(),
                scope.view(task.destination(), Shape.of(contraction.count(), columns * samples))));
    }

    @Override
    public PortableForm visit(Contraction.WeightedSum contraction) {
        return new PortableForm.OfTiles((scope, task) -> new TileConsumer.WeightedSum(
                scope.view(task.requiredOperand(), Shape.of(contraction.count(), columns * samples)),
                task.destination()));
    }

    @Override
    public PortableForm visit(Contraction.Histogram contraction) {
        return new PortableForm.OfTiles(
                (scope, task) -> new TileConsumer.Histogram(task.destination(), task.requiredOperand(), task.factor()));
    }

    @Override
    public PortableForm visit(Contraction.JointHistogram contraction) {
        return new PortableForm.OfTiles((scope, task) -> new TileConsumer.JointHistogram(
                task.destination(), task.requiredOperand(), task.factor(), task.requiredValues()));
    }

    @Override
    public PortableForm visit(Contraction.OuterProducts contraction) {
        return new PortableForm.OfLoop(task -> outerProducts(task.destination()));
    }

    @Override
    public PortableForm visit(Contraction.InputFactor contraction) {
        return new PortableForm.None();
    }

    @Override
    public PortableForm visit(Contraction.OutputFactor contraction) {
        return new PortableForm.None();
    }

    /** Whether what needs gradients and their sum keeps those of one column until that is known. */
    private boolean keepsTiles() {
        return columns == 1 && samples > 0 && derivatives.keepsGradients();
    }

    private TileConsumer dotWithSum(TensorScope scope, ContractionTask task) {
        Tensor sum = task.operand();
        if (sum != null) {
            return new TileConsumer.Dot(scope.view(sum, parameter.prepend(1)), task.destination());
        }
        return new TileConsumer.DotWithSum(scope.allocate(parameter.prepend(samples), dtype), task.destination());
    }

    private @Nullable Tensor weights(TensorScope scope, ContractionTask task) {
        return task.operand() == null ? null : scope.view(task.operand(), Shape.of(columns * samples));
    }

    private void materialise(Contraction.PerSample contraction, Tensor destination) {
        if (contraction.subsampling().isEmpty()) {
            derivatives.perSample(new Block(0, columns, 0, samples), destination);
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
                    derivatives.perSample(
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

    private void innerProducts(Tensor destination) {
        Region all = Region.all(destination.shape());
        derivatives.tiles((left, leftRows) -> derivatives.tiles((right, rightRows) -> {
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
                derivatives.perSample(new Block(0, columns, sample, sample + 1), gradients);
                Tensor rows = scope.view(gradients, Shape.of(columns, parameter.elements()));
                Tensor target = scope.rows(destination, sample, sample + 1);
                backend.products()
                        .multiply(rows, false, rows, true, 1, 0, scope.view(target, Shape.of(columns, columns)));
            }
        }
    }

    /** All columns of as many samples at a time as fit into a run of gradients. */
    private void mappedInnerProducts(Contraction.MappedInnerProducts contraction, ContractionTask task) {
        long run = derivatives.runOf(columns);
        try (TensorScope scope = backend.openScope()) {
            GradientMap map = GradientMap.of(backend, scope, contraction, task.requiredOperand());
            for (long from = 0; from < samples; from += run) {
                long to = Math.min(samples, from + run);
                try (TensorScope step = backend.openScope()) {
                    Tensor gradients = step.allocate(parameter.prepend(columns, to - from), dtype);
                    derivatives.perSample(new Block(0, columns, from, to), gradients);
                    Tensor rows = step.view(gradients, parameter.prepend(columns * (to - from)));
                    Tensor images =
                            step.view(map.apply(step, rows), Shape.of(columns, to - from, parameter.elements()));
                    GradientMap.addUp(backend, images, step.rows(task.destination(), from, to));
                }
            }
        }
    }

    private void outerProducts(Tensor destination) {
        derivatives.tiles((block, gradients) -> {
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
