// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import static java.util.Objects.requireNonNull;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.LstmCotangents;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One direction of one layer on its way back, for all columns together, and perhaps how that moves along tangents: then
 * the cotangents have one column, and their tangents V.
 *
 * @param ofInput cotangents of what the input's weight gives, {@code [V, N, T, G · H]}
 * @param ofState cotangents of what the state's weight gives, {@code [V, N, T, G · H]}; the same tensors as those of
 *     the input where they are equal
 * @param h the cotangents of the initial h, {@code [V, N, H]}
 * @param memory those of the initial c; null without
 */
record DirectionPull(
        Moving ofInput, Moving ofState, Moving h, @Nullable Moving memory) {

    /**
     * Goes back through time.
     *
     * @param target owns the result
     * @param direction what went forward
     * @param values its trajectory
     * @param tangents how that moves; null where nobody asks
     * @param moving tangents of the parameters
     * @param output cotangents of what it gave out, {@code [V, N, T, H]}, zero behind the ends of sequences
     * @param columns the number of columns of the tangents; 0 for none
     */
    static DirectionPull of(
            TensorScope target,
            Direction direction,
            Trajectory values,
            @Nullable Trajectory tangents,
            Weights moving,
            Moving output,
            long columns) {
        try (TensorScope scope = direction.backend().openScope()) {
            Walk walk = new Walk(target, scope, direction, values, tangents, moving, output, columns);
            boolean fused = direction.cell().isFused()
                    && columns == 0
                    && direction.padding().isEmpty();
            return fused ? walk.runFused() : walk.run();
        }
    }

    /** The way back, with what it needs of memory. */
    private static final class Walk {

        private final Backend backend;
        private final TensorScope target;
        private final TensorScope scope;
        private final Direction direction;
        private final Cell cell;
        private final Trajectory values;
        private final @Nullable Trajectory tangents;
        private final Optional<Tensor> movingWeight;
        private final Moving output;
        private final long ofValue;
        private final long ofTangent;
        private final long samples;
        private final long hidden;
        private final DType dtype;
        private final Moving h;
        private final @Nullable Moving memory;

        Walk(
                TensorScope target,
                TensorScope scope,
                Direction direction,
                Trajectory values,
                @Nullable Trajectory tangents,
                Weights moving,
                Moving output,
                long columns) {
            this.backend = direction.backend();
            this.target = target;
            this.scope = scope;
            this.direction = direction;
            this.cell = direction.cell();
            this.values = values;
            this.tangents = tangents;
            this.movingWeight = moving.ofState();
            this.output = output;
            this.ofValue = output.value().shape().size(0);
            this.ofTangent = columns;
            this.samples = output.value().shape().size(1);
            this.hidden = direction.hidden();
            this.dtype = output.value().dtype();
            this.h = state();
            this.memory = cell.hasMemory() ? state() : null;
        }

        private Moving allocate(TensorScope owner, Shape shape, int axis) {
            return new Moving(
                    owner.allocate(with(shape, axis, ofValue), dtype),
                    ofTangent == 0 ? null : owner.allocate(with(shape, axis, ofTangent), dtype));
        }

        private static Shape with(Shape shape, int axis, long size) {
            return shape.slice(0, axis)
                    .append(size)
                    .append(shape.dropFirst(axis).toArray());
        }

        private Moving state() {
            Moving state = allocate(target, Shape.of(samples, hidden), 0);
            backend.elementwise().fill(state.value(), 0);
            if (state.tangent() != null) {
                backend.elementwise().fill(state.tangent(), 0);
            }
            return state;
        }

        /** All steps at once, where cells and backends know how. */
        DirectionPull runFused() {
            Moving ofMemory = requireNonNull(memory);
            Shape shape = output.value().shape();
            Tensor gates = target.allocate(shape.with(-1, cell.gates() * hidden), dtype);
            LstmCotangents cotangents = new LstmCotangents(byTime().value(), gates, h.value(), ofMemory.value());
            backend.recurrences().lstmPullback(values.sweep(direction.ofState()), cotangents);
            Moving still = Moving.still(gates);
            return new DirectionPull(still, still, h, ofMemory);
        }

        DirectionPull run() {
            Moving places = allocate(scope, Shape.of(values.steps(), cell.places(), samples, hidden), 2);
            Moving byTime = byTime();
            for (long i = values.steps() - 1; i >= 0; i--) {
                try (TensorScope step = backend.openScope()) {
                    step(step, values.time(i), byTime, places.at(step, values.time(i)));
                }
            }
            Moving bySample = bySample(places);
            Places placing = new Places(backend, cell);
            Moving ofInput = gates(bySample, placing, placing.ofInput());
            Moving ofState = gates(bySample, placing, cell.ofState());
            return new DirectionPull(ofInput, ofState, h, memory);
        }

        /** {@code [T, V, N, H]}. */
        private Moving byTime() {
            Moving byTime = allocate(scope, Shape.of(values.steps(), samples, hidden), 1);
            int[] order = {2, 0, 1, 3};
            backend.indexing().permute(output.value(), order, byTime.value());
            if (output.tangent() == null) {
                return Moving.still(byTime.value());
            }
            if (byTime.tangent() != null) {
                backend.indexing().permute(output.tangent(), order, byTime.tangent());
            }
            return byTime;
        }

        private void step(TensorScope step, long time, Moving byTime, Moving destination) {
            Terms terms = new Terms(backend, step);
            Moving ofNext = terms.sum(byTime.at(step, time), h);
            Moving ofMemory = memory;
            Optional<Padding> padding = direction.padding();
            Moving passing = null;
            Moving passingMemory = null;
            if (padding.isPresent()) {
                passing = padding.get().passing(terms, time, ofNext);
                ofNext = padding.get().counting(terms, time, ofNext);
                if (ofMemory != null) {
                    passingMemory = padding.get().passing(terms, time, ofMemory);
                    ofMemory = padding.get().counting(terms, time, ofMemory);
                }
            }
            Cell.MovingStep moving = new Cell.MovingStep(
                    Cell.Step.of(step, values, time), tangents == null ? null : Cell.Step.of(step, tangents, time));
            Cell.Back back = cell.pull(terms, moving, ofNext, ofMemory, destination);
            Moving past = add(terms, back.h(), passing);
            if (past != null) {
                terms.write(past, h);
            }
            addThroughWeights(step, destination, past != null);
            if (memory != null && back.memory() != null) {
                Moving all = add(terms, back.memory(), passingMemory);
                terms.write(all == null ? back.memory() : all, memory);
            }
        }

        private static @Nullable Moving add(Terms terms, @Nullable Moving a, @Nullable Moving b) {
            return a == null ? b : b == null ? a : terms.sum(a, b);
        }

        /** What comes back to h through its weight. */
        private void addThroughWeights(TensorScope step, Moving ofPlaces, boolean adds) {
            Tensor byGate = step.view(direction.ofState(), Shape.of(cell.gates(), hidden, hidden));
            boolean isFirst = !adds;
            for (Cell.Run run : cell.ofState()) {
                for (int i = 0; i < run.count(); i++) {
                    Moving place = ofPlaces.at(step, run.place() + i);
                    Tensor weight = Moving.at(step, byGate, run.gate() + i);
                    double kept = isFirst ? 0 : 1;
                    multiply(step, place.value(), weight, kept, h.value());
                    if (place.tangent() != null && h.tangent() != null) {
                        multiply(step, place.tangent(), weight, kept, h.tangent());
                        addMoving(step, place.value(), run.gate() + i, h.tangent());
                    }
                    isFirst = false;
                }
            }
        }

        private void multiply(TensorScope step, Tensor place, Tensor weight, double kept, Tensor destination) {
            Tensor rows = Direction.rows(step, place);
            backend.products().multiply(rows, false, weight, false, 1, kept, Direction.rows(step, destination));
        }

        /** Adds d · ẇ of one gate. */
        private void addMoving(TensorScope step, Tensor place, int gate, Tensor destination) {
            if (movingWeight.isPresent()) {
                Shape byGate = Shape.of(ofTangent, cell.gates(), hidden, hidden);
                Tensor all = step.view(movingWeight.get(), byGate);
                Tensor ofGate = step.allocate(byGate.with(1, 1), dtype);
                backend.indexing().extract(all, Region.all(byGate).with(1, gate, 1), ofGate);
                Tensor matrices = step.view(ofGate, Shape.of(ofTangent, hidden, hidden));
                backend.products().multiply(place, false, matrices, false, 1, 1, destination);
            }
        }

        /** {@code [V, N, T, P, H]}. */
        private Moving bySample(Moving places) {
            int[] order = {2, 3, 0, 1, 4};
            Shape shape = Shape.of(samples, values.steps(), cell.places(), hidden);
            boolean isWhole = cell.gates() == cell.places();
            Moving bySample = allocate(isWhole ? target : scope, shape, 0);
            backend.indexing().permute(places.value(), order, bySample.value());
            if (places.tangent() != null && bySample.tangent() != null) {
                backend.indexing().permute(places.tangent(), order, bySample.tangent());
            }
            return bySample;
        }

        private Moving gates(Moving bySample, Places placing, List<Cell.Run> runs) {
            Tensor tangent = bySample.tangent();
            return new Moving(
                    gates(bySample.value(), placing, runs), tangent == null ? null : gates(tangent, placing, runs));
        }

        private Tensor gates(Tensor bySample, Places placing, List<Cell.Run> runs) {
            Tensor gates = placing.gates(target, bySample, runs, 3);
            Shape shape = gates.shape();
            return target.view(gates, shape.slice(0, 3).append(cell.gates() * hidden));
        }
    }
}
