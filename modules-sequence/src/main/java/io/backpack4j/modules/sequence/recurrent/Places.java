// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** Moves between a weight's gates and a cell's places, both along axis 0 of {@code [·, T, *, H]}. */
record Places(Backend backend, Cell cell) {

    private static final int AXIS = 0;

    List<Cell.Run> ofInput() {
        return List.of(new Cell.Run(0, cell.gates(), 0));
    }

    private boolean isWhole(List<Cell.Run> runs) {
        return runs.size() == 1 && cell.gates() == cell.places();
    }

    /** Adds gates {@code [G, T, *, H]} where they belong, in {@code [P, T, *, H]}. Axes of size 1 stretch. */
    void add(TensorScope scope, Tensor gates, List<Cell.Run> runs, Tensor places) {
        Tensor spread = gates;
        if (!isWhole(runs)) {
            spread = scope.allocate(gates.shape().with(AXIS, cell.places()), gates.dtype());
            backend.elementwise().fill(spread, 0);
            for (Cell.Run run : runs) {
                Tensor part = part(scope, gates, run.gate(), run.count());
                backend.indexing().insert(part, region(spread.shape(), run.place(), run.count()), spread);
            }
        }
        if (spread.shape().equals(places.shape())) {
            backend.elementwise().addScaled(1, spread, places);
        } else {
            backend.elementwise().combine(BinaryOperation.ADD, places, spread, places);
        }
    }

    /** The gates of places, which stand along an axis. */
    Tensor gates(TensorScope scope, Tensor places, List<Cell.Run> runs, int axis) {
        if (isWhole(runs)) {
            return places;
        }
        Tensor gates = scope.allocate(places.shape().with(axis, cell.gates()), places.dtype());
        for (Cell.Run run : runs) {
            Region from = Region.all(places.shape()).with(axis, run.place(), run.count());
            Region to = Region.all(gates.shape()).with(axis, run.gate(), run.count());
            try (TensorScope step = backend.openScope()) {
                Tensor part = step.allocate(from.shape(), places.dtype());
                backend.indexing().extract(places, from, part);
                backend.indexing().insert(part, to, gates);
            }
        }
        return gates;
    }

    private Tensor part(TensorScope scope, Tensor gates, long from, long count) {
        if (count == gates.shape().size(AXIS)) {
            return gates;
        }
        Region region = region(gates.shape(), from, count);
        Tensor part = scope.allocate(region.shape(), gates.dtype());
        backend.indexing().extract(gates, region, part);
        return part;
    }

    private static Region region(Shape shape, long from, long count) {
        return Region.all(shape).with(AXIS, from, count);
    }
}
