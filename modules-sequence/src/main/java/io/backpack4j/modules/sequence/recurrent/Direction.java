// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/**
 * One direction of one layer on its way forward.
 *
 * @param cell what happens at a step
 * @param weights its parameters
 * @param isReverse whether it goes from the last step to the first
 * @param padding which steps count; nothing if all do
 */
record Direction(Backend backend, Cell cell, Weights weights, boolean isReverse, Optional<Padding> padding) {

    Tensor ofInput() {
        return weights.ofInput().orElseThrow();
    }

    Tensor ofState() {
        return weights.ofState().orElseThrow();
    }

    /** H. */
    long hidden() {
        return ofState().shape().size(1);
    }

    private long gates() {
        return cell.gates();
    }

    private Places placing() {
        return new Places(backend, cell);
    }

    /**
     * Goes through time.
     *
     * @param target owns the trajectory
     * @param input {@code [N, T, I]}
     * @param initial the initial states h and, where there is one, c, {@code [N, H]} each; empty for zeros
     */
    Trajectory forward(TensorScope target, Tensor input, List<Tensor> initial) {
        long samples = input.shape().size(0);
        long steps = input.shape().size(1);
        Shape state = Shape.of(samples, hidden());
        Trajectory all = Trajectory.allocate(target, cell, isReverse, steps, state, input.dtype());
        start(all, initial);
        try (TensorScope scope = backend.openScope()) {
            Tensor products = fromInput(scope, rows(scope, input));
            int[] order = {2, 1, 0, 3};
            if (cell.addsBoth()) {
                Shape ordered = all.places().shape();
                backend.indexing().permute(scope.view(products, shape(ordered, order)), order, all.places());
            } else {
                backend.elementwise().fill(all.places(), 0);
                addOrdered(scope, products, order, placing().ofInput(), all);
                weights.stateBias().ifPresent(bias -> addBias(scope, bias, 1, cell.ofState(), all));
            }
        }
        if (padding.isEmpty() && cell.isFused()) {
            backend.recurrences().lstm(all.sweep(ofState()));
            return all;
        }
        walk(all, (scope, step) -> {
            for (Cell.Run run : cell.ofState()) {
                addState(scope, step, run);
            }
            cell.forward(backend.elementwise(), scope, step);
        });
        return all;
    }

    private interface StepTaker {
        void take(TensorScope scope, Cell.Step step);
    }

    private void walk(Trajectory all, StepTaker taker) {
        for (long i = 0; i < all.steps(); i++) {
            long time = all.time(i);
            try (TensorScope scope = backend.openScope()) {
                Cell.Step step = Cell.Step.of(scope, all, time);
                taker.take(scope, step);
                padding.ifPresent(it -> {
                    it.carry(backend, time, step.last(), step.next());
                    if (cell.hasMemory()) {
                        it.carry(backend, time, step.lastMemory(), step.nextMemory());
                    }
                });
            }
        }
    }

    private void start(Trajectory all, List<Tensor> initial) {
        try (TensorScope scope = backend.openScope()) {
            set(Moving.at(scope, all.h(), all.initial()), initial, 0);
            if (cell.hasMemory()) {
                set(Moving.at(scope, all.memory(), all.initial()), initial, 1);
            }
        }
    }

    private void set(Tensor state, List<Tensor> initial, int index) {
        if (index < initial.size()) {
            backend.elementwise().copy(initial.get(index), state);
        } else {
            backend.elementwise().fill(state, 0);
        }
    }

    /** Adds h · weightᵀ of the last state to the places, gate by gate. */
    private void addState(TensorScope scope, Cell.Step step, Cell.Run run) {
        Tensor byGate = scope.view(ofState(), Shape.of(gates(), hidden(), hidden()));
        Tensor last = rows(scope, step.last());
        for (int i = 0; i < run.count(); i++) {
            Tensor weight = Moving.at(scope, byGate, run.gate() + i);
            backend.products().multiply(last, false, weight, true, 1, 1, rows(scope, step.place(run.place() + i)));
        }
    }

    /**
     * Adds x · weightᵀ of all steps.
     *
     * @param x {@code [rows, features]}, the rows being those of the places but for T in another order
     * @param order of the axes of {@code [G, rows, H]} with rows written out, G first
     */
    private void addProducts(
            TensorScope scope, Tensor x, Tensor weight, List<Cell.Run> runs, int[] order, Trajectory all) {
        addOrdered(scope, products(scope, x, weight), order, runs, all);
    }

    /**
     * What the input gives to all steps, with both biases where the state's weight gives to the same places: {@code [N
     * · T, G · H]}.
     */
    private Tensor fromInput(TensorScope scope, Tensor rows) {
        Tensor products = scope.allocate(rows.shape().with(1, gates() * hidden()), rows.dtype());
        if (weights.inputBias().isEmpty()) {
            backend.products().multiply(rows, false, ofInput(), true, 1, 0, products);
            return products;
        }
        Tensor bias = weights.inputBias().get();
        if (cell.addsBoth()) {
            Tensor both = scope.allocate(bias.shape(), bias.dtype());
            Tensor ofState = weights.stateBias().orElseThrow();
            backend.elementwise().combine(BinaryOperation.ADD, bias, ofState, both);
            bias = both;
        }
        backend.products().linear(rows, ofInput(), bias, products);
        return products;
    }

    /** x · weightᵀ gate by gate, {@code [G, rows, H]}. */
    private Tensor products(TensorScope scope, Tensor x, Tensor weight) {
        long rows = x.shape().size(0);
        long features = x.shape().size(1);
        Tensor products = scope.allocate(Shape.of(gates(), rows, hidden()), x.dtype());
        Tensor asBatch = scope.view(x, Shape.of(1, rows, features));
        Tensor byGate = scope.view(weight, Shape.of(gates(), hidden(), features));
        backend.products().multiply(asBatch, false, byGate, true, 1, 0, products);
        return products;
    }

    /**
     * Adds what has the elements of {@code [G, T, *, H]} in another order: {@code order[j]} is where axis j of that
     * stands.
     */
    private void addOrdered(TensorScope scope, Tensor products, int[] order, List<Cell.Run> runs, Trajectory all) {
        Shape ordered = all.places().shape().with(0, gates());
        Tensor byTime = scope.allocate(ordered, products.dtype());
        backend.indexing().permute(scope.view(products, shape(ordered, order)), order, byTime);
        placing().add(scope, byTime, runs, all.places());
    }

    /** The shape of which {@code order} makes another. */
    private static Shape shape(Shape ordered, int... order) {
        long[] sizes = new long[order.length];
        for (int axis = 0; axis < order.length; axis++) {
            sizes[order[axis]] = ordered.size(axis);
        }
        return Shape.of(sizes);
    }

    /** Adds biases, or their tangents of {@code columns}. */
    private void addBiases(TensorScope scope, Weights biases, long columns, Trajectory all) {
        biases.inputBias()
                .ifPresent(bias -> addBias(scope, bias, columns, placing().ofInput(), all));
        biases.stateBias().ifPresent(bias -> addBias(scope, bias, columns, cell.ofState(), all));
    }

    private void addBias(TensorScope scope, Tensor bias, long columns, List<Cell.Run> runs, Trajectory all) {
        Tensor byGate = scope.allocate(Shape.of(gates(), columns, hidden()), bias.dtype());
        backend.indexing().permute(scope.view(bias, Shape.of(columns, gates(), hidden())), new int[] {1, 0, 2}, byGate);
        boolean hasColumns = all.places().shape().rank() == 5;
        Shape shape = hasColumns ? Shape.of(gates(), 1, columns, 1, hidden()) : Shape.of(gates(), 1, 1, hidden());
        placing().add(scope, scope.view(byGate, shape), runs, all.places());
    }

    /** All axes but the last as one. */
    static Tensor rows(TensorScope scope, Tensor tensor) {
        Shape shape = tensor.shape();
        return scope.view(tensor, Shape.of(shape.elements(0, shape.rank() - 1), shape.size(-1)));
    }

    /**
     * How a trajectory moves.
     *
     * @param target owns the result
     * @param values the trajectory
     * @param input what came in, and how it moves if it does, {@code [V, N, T, I]}
     * @param initial how the initial states move, {@code [V, N, H]} each, or nothing
     * @param moving tangents of the parameters
     * @param columns V
     */
    Trajectory push(
            TensorScope target, Trajectory values, Moving input, List<Tensor> initial, Weights moving, long columns) {
        long samples = input.value().shape().size(0);
        long steps = values.steps();
        DType dtype = input.value().dtype();
        Shape state = Shape.of(columns, samples, hidden());
        Trajectory all = Trajectory.allocate(target, cell, isReverse, steps, state, dtype);
        start(all, initial);
        backend.elementwise().fill(all.places(), 0);
        try (TensorScope scope = backend.openScope()) {
            if (input.tangent() != null) {
                Tensor rows = rows(scope, input.tangent());
                addProducts(scope, rows, ofInput(), placing().ofInput(), new int[] {0, 3, 1, 2, 4}, all);
            }
            moving.ofInput().ifPresent(weight -> {
                Tensor x = rows(scope, input.value());
                addMovingProducts(scope, x, weight, placing().ofInput(), new int[] {1, 3, 0, 2, 4}, all);
            });
            moving.ofState().ifPresent(weight -> {
                Tensor x = rows(scope, values.befores(scope));
                addMovingProducts(scope, x, weight, cell.ofState(), new int[] {1, 2, 0, 3, 4}, all);
            });
            addBiases(scope, moving, columns, all);
        }
        walk(all, (scope, step) -> {
            for (Cell.Run run : cell.ofState()) {
                addState(scope, step, run);
            }
            cell.push(backend.elementwise(), scope, Cell.Step.of(scope, values, step.time()), step);
        });
        return all;
    }

    /** Adds x · ẇᵀ of all steps; {@code order} is that of {@code [V, G, rows, H]}. */
    private void addMovingProducts(
            TensorScope scope, Tensor x, Tensor weight, List<Cell.Run> runs, int[] order, Trajectory all) {
        long columns = weight.shape().size(0);
        long rows = x.shape().size(0);
        long features = x.shape().size(1);
        Tensor products = scope.allocate(Shape.of(columns * gates(), rows, hidden()), x.dtype());
        Tensor byGate = scope.view(weight, Shape.of(columns * gates(), hidden(), features));
        backend.products().multiply(scope.view(x, Shape.of(1, rows, features)), false, byGate, true, 1, 0, products);
        addOrdered(scope, products, order, runs, all);
    }

    /** What it gives out, sample by sample: of the trajectory's {@code [T, *, H]} makes {@code [*, T, H]}. */
    Tensor bySample(TensorScope target, Tensor byTime) {
        int rank = byTime.shape().rank();
        int[] order = new int[rank];
        for (int axis = 0; axis < rank - 2; axis++) {
            order[axis] = axis + 1;
        }
        order[rank - 1] = rank - 1;
        Shape shape = byTime.shape().slice(1, rank - 1).append(byTime.shape().size(0), hidden());
        Tensor result = target.allocate(shape, byTime.dtype());
        backend.indexing().permute(byTime, order, result);
        return result;
    }

    /** Its part of what all directions give out, {@code [*, T, D · H]}. */
    Region part(Shape all) {
        return Region.all(all).with(all.rank() - 1, isReverse ? hidden() : 0, hidden());
    }
}
