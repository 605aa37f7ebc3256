// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Reduction;
import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.DirectForm;
import io.backpack4j.spi.module.DirectForms;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The gradients of a bias with O channels that S positions share: g_vn = Σ_s d_vns, d being cotangents. */
public final class BiasDerivatives extends ParameterDerivatives {

    private final Tensor cotangents;
    private final int positionAxis;
    private final Forms forms = new Forms();

    /** ⟨g_n, Σ_m g_m⟩ of one column, once somebody wanted to see them. */
    private double @Nullable [] dotsWithSum;

    private BiasDerivatives(Backend backend, Tensor cotangents, Shape parameter, int positionAxis) {
        super(
                backend,
                parameter,
                cotangents.dtype(),
                cotangents.shape().size(0),
                cotangents.shape().size(1));
        this.cotangents = cotangents;
        this.positionAxis = positionAxis;
    }

    /**
     * Of cotangents whose positions come before the channels, as those of linear modules.
     *
     * @param cotangents {@code [V, N, S, O]}
     */
    public static BiasDerivatives channelsLast(Backend backend, Tensor cotangents) {
        return channelsLast(backend, cotangents, Shape.of(cotangents.shape().size(3)));
    }

    /**
     * Of cotangents whose positions come before the elements of a bias of any shape, as those of layer norms.
     *
     * @param cotangents {@code [V, N, S, O]}
     * @param parameter the bias's shape, of O elements
     */
    public static BiasDerivatives channelsLast(Backend backend, Tensor cotangents, Shape parameter) {
        return new BiasDerivatives(backend, cotangents, parameter, 2);
    }

    /**
     * Of cotangents whose channels come before the positions, as those of convolutions.
     *
     * @param cotangents {@code [V, N, O, S]}
     */
    public static BiasDerivatives channelsFirst(Backend backend, Tensor cotangents) {
        return new BiasDerivatives(
                backend, cotangents, Shape.of(cotangents.shape().size(2)), 3);
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        try (TensorScope scope = backend().openScope()) {
            Tensor rows = SampleBlocks.rows(backend(), scope, cotangents, block);
            Shape flat = Shape.of(rows.shape().size(0), parameter().elements());
            Tensor target = scope.view(destination, flat);
            if (cotangents.shape().size(positionAxis) == 1) {
                backend().elementwise().copy(scope.view(rows, target.shape()), target);
            } else {
                sum(rows, target);
            }
        }
    }

    @Override
    protected Optional<DirectForm> directForm(Contraction contraction) {
        return contraction.accept(forms);
    }

    /** Σ_n d_vn, one sum per column. */
    private void sums(ContractionTask task) {
        try (TensorScope scope = backend().openScope()) {
            Shape shape = Shape.of(columns(), parameter().elements());
            Tensor rows = scope.view(
                    cotangents, Shape.of(columns(), samples(), parameter().elements()));
            Tensor target = scope.view(task.destination(), shape);
            Tensor sums = task.accumulate() ? scope.allocate(shape, dtype()) : target;
            backend().reductions().reduce(Reduction.SUM, rows, 1, 2, sums);
            if (task.accumulate()) {
                backend().elementwise().addScaled(1, sums, target);
            }
        }
    }

    private void outerProducts(ContractionTask task) {
        try (TensorScope scope = backend().openScope()) {
            Tensor gradients = gradients(scope);
            long length = parameter().elements();
            Tensor rows = scope.view(gradients, Shape.of(columns() * samples(), 1, 1, length));
            Tensor target = scope.view(task.destination(), Shape.of(1, length, length));
            if (task.accumulate()) {
                backend().products().addGram(rows, true, false, 1, target);
            } else {
                backend().products().gram(rows, true, false, 1, target);
            }
        }
    }

    private void squaresOverPositions(ContractionTask task) {
        try (TensorScope scope = backend().openScope()) {
            long batch = columns() * samples() * cotangents.shape().size(positionAxis);
            Tensor rows = scope.view(cotangents, parameter().prepend(batch));
            var squares = new TileConsumer.SumOfSquares(task.destination(), null, null);
            backend().contractions().consume(rows, 0, batch, List.of(squares));
        }
    }

    private void traceOverPositions(ContractionTask task) {
        try (TensorScope scope = backend().openScope()) {
            Tensor all = scope.view(cotangents, Shape.of(1, cotangents.shape().elements()));
            Tensor sum = scope.allocate(Shape.of(1), dtype());
            backend().contractions().rowDots(all, all, sum);
            backend().elementwise().addScaled(1, scope.view(sum, Shape.of()), task.destination());
        }
    }

    @Override
    protected void consumeTiles(List<TileConsumer> consumers) {
        try (TensorScope scope = backend().openScope()) {
            backend().contractions().consume(gradients(scope), 0, columns() * samples(), consumers);
        }
    }

    /** All gradients at once, {@code [V · N, O]}: they are S times smaller than the cotangents, which exist. */
    private Tensor gradients(TensorScope scope) {
        long batch = columns() * samples();
        Shape shape = parameter().prepend(batch);
        if (cotangents.shape().size(positionAxis) == 1) {
            return scope.view(cotangents, shape);
        }
        Tensor sums = scope.allocate(shape, dtype());
        Tensor flat = scope.view(sums, Shape.of(batch, parameter().elements()));
        sum(scope.view(cotangents, cotangents.shape().dropFirst(2).prepend(batch)), flat);
        return sums;
    }

    /** ⟨g_n, Σ_m g_m⟩ of one column. */
    private void dotsWithSum(TensorScope scope, Tensor rows, Tensor destination) {
        Tensor sum = scope.allocate(parameter().prepend(1), dtype());
        backend().reductions().reduce(Reduction.SUM, rows, 0, 1, scope.view(sum, parameter()));
        backend().contractions().rowDots(rows, sum, destination);
    }

    private double[] dotsWithSum(TensorScope scope) {
        double[] known = dotsWithSum;
        if (known == null) {
            Tensor dots = scope.allocate(Shape.of(samples()), dtype());
            dotsWithSum(scope, gradients(scope), dots);
            known = dots.toDoubleArray();
            dotsWithSum = known;
        }
        return known;
    }

    private void dotsWithSum(ContractionTask task) {
        try (TensorScope scope = backend().openScope()) {
            double[] known = dotsWithSum;
            Tensor operand = task.operand();
            Tensor destination = scope.view(task.destination(), Shape.of(samples()));
            if (operand != null) {
                Tensor sum = scope.view(operand, parameter().prepend(1));
                backend().contractions().rowDots(gradients(scope), sum, destination);
            } else if (known == null) {
                dotsWithSum(scope, gradients(scope), destination);
            } else {
                destination.write(0, known, 0, known.length);
            }
        }
    }

    /** From norms and inner products with the sum, or by moments where digits of these cancel. */
    private void centredSquaredNorm(ContractionTask task) {
        try (TensorScope scope = backend().openScope()) {
            Tensor row = scope.view(
                    gradients(scope), Shape.of(1, samples() * parameter().elements()));
            Tensor norms = scope.allocate(Shape.of(1), dtype());
            backend().contractions().rowDots(row, row, norms);
            if (centredSquaredNorm(norms.item(), dotsWithSum(scope), task.destination())) {
                return;
            }
        }
        centredSquaredNormByMoments(task.destination());
    }

    /** Adds up the positions of rows, {@code [B, S, O]} or {@code [B, O, S]}. */
    private void sum(Tensor rows, Tensor destination) {
        backend().reductions().reduce(Reduction.SUM, rows, positionAxis - 1, positionAxis, destination);
    }

    private final class Forms implements DirectForms {

        @Override
        public Optional<DirectForm> visit(Contraction.OuterProducts contraction) {
            return Optional.of(DirectForm.overwriting(BiasDerivatives.this::outerProducts));
        }

        /** With several positions, gradients are sums that are made once for all that is done with tiles. */
        private boolean isOfRows() {
            return columns() == 1 && samples() > 0 && hasOnePosition();
        }

        private boolean hasOnePosition() {
            return cotangents.shape().size(positionAxis) == 1;
        }

        @Override
        public Optional<DirectForm> visit(Contraction.Sum contraction) {
            return hasOnePosition()
                    ? Optional.of(DirectForm.overwriting(BiasDerivatives.this::sums))
                    : Optional.empty();
        }

        @Override
        public Optional<DirectForm> visit(Contraction.DotWithSum contraction) {
            return isOfRows() ? Optional.of(DirectForm.adding(BiasDerivatives.this::dotsWithSum)) : Optional.empty();
        }

        @Override
        public Optional<DirectForm> visit(Contraction.CentredSquaredNorm contraction) {
            return isOfRows()
                    ? Optional.of(DirectForm.overwriting(BiasDerivatives.this::centredSquaredNorm))
                    : Optional.empty();
        }

        @Override
        public Optional<DirectForm> visit(Contraction.TraceOverPositions contraction) {
            return Optional.of(DirectForm.adding(BiasDerivatives.this::traceOverPositions));
        }

        @Override
        public Optional<DirectForm> visit(Contraction.SumOfSquaresOverPositions contraction) {
            return positionAxis == 2
                    ? Optional.of(DirectForm.adding(BiasDerivatives.this::squaresOverPositions))
                    : Optional.empty();
        }
    }
}
