package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** The gradients of a bias: g_vn = Σ_s d_vns, d being the cotangents at S positions. */
final class BiasDerivatives extends ParameterDerivatives {

    private final Tensor cotangents;

    /**
     * Creates derivatives.
     *
     * @param cotangents {@code [V, N, S, O]}
     */
    BiasDerivatives(Backend backend, Tensor cotangents) {
        super(
                backend,
                Shape.of(cotangents.shape().size(3)),
                cotangents.dtype(),
                cotangents.shape().size(0),
                cotangents.shape().size(1));
        this.cotangents = cotangents;
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        try (TensorScope scope = backend().openScope()) {
            Tensor rows = SampleBlocks.rows(backend(), scope, cotangents, block);
            Tensor target =
                    scope.view(destination, parameter().prepend(rows.shape().size(0)));
            if (positions() == 1) {
                backend().elementwise().copy(scope.view(rows, target.shape()), target);
            } else {
                backend().reductions().reduce(Reduction.SUM, rows, 1, 2, target);
            }
        }
    }

    @Override
    protected boolean hasDirectForm(Contraction contraction) {
        return contraction instanceof Contraction.OuterProducts;
    }

    @Override
    protected void computeDirectly(ContractionTask task) {
        long length = parameter().elements();
        try (TensorScope scope = backend().openScope()) {
            Tensor vectors = scope.view(cotangents, Shape.of(columns() * samples(), 1, positions(), length));
            Tensor target = scope.view(task.destination(), Shape.of(1, length, length));
            backend().products().addGram(vectors, true, true, 1, target);
        }
    }

    @Override
    protected void consumeTiles(List<TileConsumer> consumers) {
        if (positions() > 1) {
            super.consumeTiles(consumers);
            return;
        }
        long batch = columns() * samples();
        try (TensorScope scope = backend().openScope()) {
            Tensor tiles = scope.view(cotangents, parameter().prepend(batch));
            backend().contractions().consume(tiles, 0, batch, consumers);
        }
    }

    private long positions() {
        return cotangents.shape().size(2);
    }
}
