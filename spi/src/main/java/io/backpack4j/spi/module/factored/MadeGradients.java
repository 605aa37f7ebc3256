// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.GradientRows;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/** Per-sample gradients that lie in memory. */
final class MadeGradients extends ParameterDerivatives {

    private final Tensor gradients;

    /**
     * Creates derivatives.
     *
     * @param gradients {@code [V, N, *p]}, with at least one element per gradient
     */
    MadeGradients(Backend backend, Tensor gradients) {
        super(
                backend,
                gradients.shape().dropFirst(2),
                gradients.dtype(),
                gradients.shape().size(0),
                gradients.shape().size(1));
        this.gradients = gradients;
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        Region region = Region.all(gradients.shape())
                .with(0, block.fromColumn(), block.columns())
                .with(1, block.fromSample(), block.samples());
        backend().indexing().extract(gradients, region, destination);
    }

    @Override
    protected Optional<GradientRows> rows(TensorScope scope) {
        long count = parameter().size(0);
        Shape flat = Shape.of(columns() * samples(), count, parameter().elements() / count);
        Tensor byRow = scope.view(gradients, flat);
        return Optional.of(new GradientRows() {
            @Override
            public long count() {
                return count;
            }

            @Override
            public void write(long from, long to, Tensor destination) {
                try (TensorScope temporary = backend().openScope()) {
                    Region region = Region.all(flat).with(1, from, to - from);
                    backend().indexing().extract(byRow, region, temporary.view(destination, region.shape()));
                }
            }
        });
    }
}
