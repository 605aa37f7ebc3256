package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.PerSampleConvolution;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.factored.ConvolutionFactors;
import io.backpack4j.spi.module.factored.SampleBlocks;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/**
 * The weight gradients of a convolution or a transposed one: products of what slides under the window and what the window makes of it, of
 * which one is the module's input and one the cotangents. The backend makes them, or what becomes of them.
 */
final class ConvolutionWeight extends ParameterDerivatives {

    private final ConvolutionEvaluation evaluation;
    private final Tensor cotangents;

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

    @Override
    protected boolean hasDirectForm(Contraction contraction) {
        if (contraction instanceof Contraction.SquaredNorms) {
            try (TensorScope scope = backend().openScope()) {
                return all(scope).prefersGram();
            }
        }
        return ConvolutionFactors.computes(contraction)
                || contraction instanceof Contraction.Sum
                || contraction instanceof Contraction.Dot
                || contraction instanceof Contraction.WeightedSum;
    }

    @Override
    protected boolean isCheaperFromTiles(Contraction contraction) {
        return !ConvolutionFactors.computes(contraction);
    }

    @Override
    protected void computeDirectly(ContractionTask task) {
        Contraction contraction = task.contraction();
        try (TensorScope scope = backend().openScope()) {
            if (ConvolutionFactors.computes(contraction)) {
                factor(all(scope), task);
            } else if (contraction instanceof Contraction.Sum) {
                backend().convolutions().sum(all(scope), task.destination());
            } else if (contraction instanceof Contraction.SquaredNorms) {
                Tensor norms = scope.view(task.destination(), Shape.of(columns() * samples()));
                backend().convolutions().squaredNorms(all(scope), norms);
            } else if (contraction instanceof Contraction.Dot) {
                dot(scope, task.requiredOperand(), task.destination());
            } else if (contraction instanceof Contraction.WeightedSum) {
                weightedSum(scope, task.requiredOperand(), task.destination());
            } else {
                super.computeDirectly(task);
            }
        }
    }

    private void factor(PerSampleConvolution product, ContractionTask task) {
        if (evaluation.transposed()) {
            ConvolutionFactors.computeTransposed(backend(), product, task);
        } else {
            ConvolutionFactors.compute(backend(), product, task);
        }
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
}
