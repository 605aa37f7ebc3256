// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;

/**
 * The Jacobian of a network's outputs by parameters: its rows are the elements of the output {@code [N, *out]},
 * row-major, batch after batch; its columns are laid out as {@link #layout} says. The loss plays no part.
 *
 * <p>Over one batch, what the forward pass keeps stays in memory until the operator is closed; over several, every
 * product makes a forward pass of each batch.
 */
public final class JacobianOperator implements LinearOperator, AutoCloseable {

    private final Linearizations linearizations;
    private final long rows;

    private JacobianOperator(Linearizations linearizations) {
        this.linearizations = linearizations;
        this.rows = linearizations.outputs().stream().mapToLong(Shape::elements).sum();
    }

    /**
     * Linearises the network at every batch.
     *
     * @throws BackpackException if something does not fit
     */
    public static JacobianOperator of(Objective objective) {
        return new JacobianOperator(new Linearizations(objective, List.of()));
    }

    /** Layout of parameters in vectors. */
    public ParameterLayout layout() {
        return linearizations.layout();
    }

    /** The shapes {@code [N, *out]} of the network's output, batch by batch. */
    public List<Shape> outputShapes() {
        return List.copyOf(linearizations.outputs());
    }

    /** The number of elements of all outputs. */
    @Override
    public long rows() {
        return rows;
    }

    /** P. */
    @Override
    public long columns() {
        return layout().size();
    }

    @Override
    public DType dtype() {
        return linearizations.dtype();
    }

    @Override
    public Backend backend() {
        return linearizations.backend();
    }

    @Override
    public void multiply(Tensor x, Tensor destination) {
        Vectors.check(this, x, destination);
        long count = x.shape().size(0);
        try (TensorScope scope = backend().openScope()) {
            Map<String, Tensor> tangents = layout().parts(scope, x);
            linearizations.forEach((batch, linearization, weight) -> {
                try (TensorScope step = backend().openScope()) {
                    Tensor outputs = step.allocate(shape(batch).prepend(count), dtype());
                    linearization.pushforward(tangents, outputs);
                    Region place = place(batch, count);
                    backend().indexing().insert(step.view(outputs, place.shape()), place, destination);
                }
            });
        }
    }

    /**
     * Jᵀ: from vectors {@code [V, rows]} to {@code [V, P]}, summed over all samples. Lives as long as this operator.
     */
    public LinearOperator transposed() {
        return new Transposed();
    }

    /** Returns the memory. */
    @Override
    public void close() {
        linearizations.close();
    }

    private Shape shape(int batch) {
        return linearizations.outputs().get(batch);
    }

    /** Where a batch's outputs stand in vectors. */
    private Region place(int batch, long count) {
        long first = 0;
        for (int b = 0; b < batch; b++) {
            first += shape(b).elements();
        }
        return Region.all(Shape.of(count, rows)).with(1, first, shape(batch).elements());
    }

    private final class Transposed implements LinearOperator {

        @Override
        public long rows() {
            return layout().size();
        }

        @Override
        public long columns() {
            return rows;
        }

        @Override
        public DType dtype() {
            return linearizations.dtype();
        }

        @Override
        public Backend backend() {
            return linearizations.backend();
        }

        @Override
        public void multiply(Tensor x, Tensor destination) {
            Vectors.check(this, x, destination);
            long count = x.shape().size(0);
            layout().add(
                            destination,
                            sums -> linearizations.forEach((batch, linearization, weight) -> {
                                try (TensorScope step = backend().openScope()) {
                                    Tensor cotangents =
                                            step.allocate(shape(batch).prepend(count), dtype());
                                    Region place = place(batch, count);
                                    backend().indexing().extract(x, place, step.view(cotangents, place.shape()));
                                    linearization.pullback(cotangents, sums);
                                }
                            }));
        }
    }
}
