// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.DirectForm;
import io.backpack4j.spi.module.DirectForms;
import io.backpack4j.spi.module.GradientRows;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.factored.ConvolutionFactors;
import io.backpack4j.spi.module.factored.ConvolutionGrams;
import io.backpack4j.spi.module.factored.SampleBlocks;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The weight gradients of a convolution or a transposed one: products of what slides under the window and what the
 * window makes of it, of which one is the module's input and one the cotangents. The backend makes them, or what
 * becomes of them.
 */
final class ConvolutionWeight extends ParameterDerivatives {

    /** Over so few positions, products of a batch take less than reading the gradients of its samples. */
    private static final long FEW_POSITIONS = 16;

    /** So do they where gradients of this size leave the caches before they are read. */
    private static final long LARGE_BYTES = 4 << 20;

    /** Over so many, gradients are kept for inner products with their sum, where they take no more than the most. */
    private static final long MANY_POSITIONS = 64;

    private static final long MOST_KEPT_BYTES = 64L << 20;

    private final ConvolutionEvaluation evaluation;
    private final Tensor cotangents;
    private final Forms forms = new Forms();

    /**
     * Creates derivatives.
     *
     * @param cotangents {@code [V, N, O, *out]}
     */
    ConvolutionWeight(Backend backend, ConvolutionEvaluation evaluation, Tensor cotangents) {
        super(
                backend,
                evaluation.weight().shape(),
                cotangents.dtype(),
                cotangents.shape().size(0),
                cotangents.shape().size(1));
        this.evaluation = evaluation;
        this.cotangents = cotangents;
    }

    private PerSampleConvolution all(TensorScope scope) {
        return evaluation.weightGradients(Spatial.joined(scope, cotangents), evaluation.input());
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        try (TensorScope scope = backend().openScope()) {
            Tensor rows = SampleBlocks.rows(backend(), scope, cotangents, block);
            Tensor input = scope.rows(evaluation.input(), block.fromSample(), block.toSample());
            backend()
                    .convolutions()
                    .contract(
                            evaluation.weightGradients(rows, input),
                            List.of(new TileConsumer.Copy(Spatial.joined(scope, destination))));
        }
    }

    @Override
    protected void consumeTiles(List<TileConsumer> consumers) {
        try (TensorScope scope = backend().openScope()) {
            backend().convolutions().contract(all(scope), consumers);
        }
    }

    /** By factors, where the inputs can be unfolded as a whole. */
    @Override
    protected boolean addInnerProductsWith(ParameterDerivatives right, boolean sameSample, Tensor destination) {
        if (sameSample || evaluation.transposed() || !(right instanceof ConvolutionWeight other)) {
            return false;
        }
        try (TensorScope scope = backend().openScope()) {
            PerSampleConvolution own = all(scope);
            return ConvolutionGrams.add(backend(), own, this == right ? own : other.all(scope), destination);
        }
    }

    /** The gradients of some channels of what the window makes. */
    @Override
    protected Optional<GradientRows> rows(TensorScope scope) {
        PerSampleConvolution product = all(scope);
        return product.groups() == 1 ? Optional.of(new Rows(product)) : Optional.empty();
    }

    @Override
    protected Optional<DirectForm> directForm(Contraction contraction) {
        return contraction.accept(forms);
    }

    /** Over many positions, another convolution with their sum takes longer than writing and reading them. */
    @Override
    protected boolean keepsGradients() {
        return super.keepsGradients() || (positions() >= MANY_POSITIONS && gradientBytes() <= MOST_KEPT_BYTES);
    }

    private long positions() {
        Shape outputs = evaluation.transposed()
                ? evaluation.input().shape().dropFirst(2)
                : cotangents.shape().dropFirst(3);
        return outputs.elements();
    }

    /** ⟨u_k, g_vn⟩ = ⟨d_vn, x_n convolved with u_k⟩. */
    private void dot(TensorScope scope, Tensor vectors, Tensor destination) {
        Shape outputs = cotangents.shape().dropFirst(1);
        Tensor image = scope.allocate(outputs, dtype());
        Tensor rows = Spatial.joined(scope, cotangents);
        Tensor flat = scope.view(destination, Shape.of(destination.shape().elements()));
        for (long k = 0; k < vectors.shape().size(0); k++) {
            Tensor vector = scope.view(scope.rows(vectors, k, k + 1), parameter());
            ConvolutionEvaluation.apply(
                    backend().convolutions(),
                    evaluation.window(),
                    evaluation.transposed(),
                    evaluation.input(),
                    vector,
                    null,
                    image);
            for (long v = 0; v < columns(); v++) {
                long first = (k * columns() + v) * samples();
                Tensor column = scope.rows(rows, v * samples(), (v + 1) * samples());
                backend().contractions().rowDots(column, image, scope.rows(flat, first, first + samples()));
            }
        }
    }

    /** Σ_vn w_kvn g_vn: columns share their inputs, so they are added first. */
    private void weightedSum(TensorScope scope, Tensor weights, Tensor destination) {
        Shape outputs = cotangents.shape().dropFirst(1);
        long batch = columns() * samples();
        Tensor rows = scope.view(cotangents, Shape.of(batch, outputs.elements(1, outputs.rank())));
        Tensor flatWeights = scope.view(weights, Shape.of(weights.shape().elements(), 1));
        Tensor scaled = scope.allocate(rows.shape(), dtype());
        Tensor byColumn = scope.view(scaled, cotangents.shape());
        Tensor summed = columns() == 1 ? scope.view(scaled, outputs) : scope.allocate(outputs, dtype());
        for (long k = 0; k < weights.shape().size(0); k++) {
            Tensor own = scope.rows(flatWeights, k * batch, (k + 1) * batch);
            backend().elementwise().combine(BinaryOperation.MULTIPLY, rows, own, scaled);
            if (columns() > 1) {
                backend().reductions().reduce(Reduction.SUM, byColumn, 0, 1, summed);
            }
            backend()
                    .convolutions()
                    .sum(evaluation.weightGradients(summed, evaluation.input()), scope.rows(destination, k, k + 1));
        }
    }

    private final class Rows implements GradientRows {

        private final PerSampleConvolution product;

        Rows(PerSampleConvolution product) {
            this.product = product;
        }

        @Override
        public long count() {
            return parameter().size(0);
        }

        @Override
        public void write(long from, long to, Tensor destination) {
            try (TensorScope scope = backend().openScope()) {
                Tensor outputs = product.outputs();
                if (to - from < count()) {
                    Region channels = Region.all(outputs.shape()).with(1, from, to - from);
                    outputs = scope.allocate(channels.shape(), dtype());
                    backend().indexing().extract(product.outputs(), channels, outputs);
                }
                Shape weight = product.weight().with(0, to - from);
                Tensor tiles = scope.view(destination, weight.prepend(product.batch()));
                var part = new PerSampleConvolution(product.window(), outputs, product.inputs(), weight);
                backend().convolutions().contract(part, List.of(new TileConsumer.Copy(tiles)));
            }
        }
    }

    private final class Forms implements DirectForms {

        /** A computation that sees all gradients as one product. */
        private interface OfProduct {
            void compute(TensorScope scope, PerSampleConvolution product, ContractionTask task);
        }

        private Consumer<ContractionTask> of(OfProduct computation) {
            return task -> {
                try (TensorScope scope = backend().openScope()) {
                    computation.compute(scope, all(scope), task);
                }
            };
        }

        private Optional<DirectForm> unlessTilesAreMade(OfProduct computation) {
            return Optional.of(DirectForm.adding(of(computation)).unlessTilesAreMade());
        }

        /** A form whose effort is proportional to the number of positions, and that reads no gradients. */
        private Optional<DirectForm> byPositions(DirectForm form) {
            boolean keeps = positions() <= FEW_POSITIONS || parameter().elements() * dtype().bytes() > LARGE_BYTES;
            return Optional.of(keeps ? form : form.unlessTilesAreMade());
        }

        @Override
        public Optional<DirectForm> visit(Contraction.Sum contraction) {
            return byPositions(DirectForm.overwriting(of((scope, product, task) ->
                    backend().convolutions().sum(product, task.accumulate(), task.destination()))));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.SquaredNorms contraction) {
            try (TensorScope scope = backend().openScope()) {
                if (!all(scope).prefersGram()) {
                    return Optional.empty();
                }
            }
            return byPositions(DirectForm.adding(of((scope, product, task) -> {
                Tensor norms = scope.view(task.destination(), Shape.of(columns() * samples()));
                backend().convolutions().squaredNorms(product, norms);
            })));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.Dot contraction) {
            return unlessTilesAreMade((scope, product, task) -> dot(scope, task.requiredOperand(), task.destination()));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.WeightedSum contraction) {
            return unlessTilesAreMade(
                    (scope, product, task) -> weightedSum(scope, task.requiredOperand(), task.destination()));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.InputFactor factor) {
            return Optional.of(
                    evaluation.transposed()
                            ? DirectForm.adding(of((scope, product, task) ->
                                    ConvolutionFactors.inputTransposed(backend(), product, factor, task)))
                            : DirectForm.overwriting(of((scope, product, task) ->
                                    ConvolutionFactors.input(backend(), product, factor, task))));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.OutputFactor factor) {
            return Optional.of(DirectForm.adding(of((scope, product, task) -> ConvolutionFactors.output(
                    backend(), evaluation.transposed() ? product.inputs() : product.outputs(), factor, task))));
        }
    }
}
