// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.RegionSums;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/**
 * A sum of symmetric products X Xᵀ of matrices with as many rows: panels of rows, each from the diagonal on. What lies
 * left of it is the mirror image of panels above, and is filled in once, at the end.
 */
final class SymmetricPanels {

    /** Panels of fewer rows are too small to be products of their own. */
    private static final long FEWEST_ROWS = 64;

    private static final long MOST_PANELS = 8;

    private final Backend backend;
    private final long rows;
    private final long width;
    private final List<Tensor> panels = new ArrayList<>();

    /** @param scope owns the panels */
    SymmetricPanels(Backend backend, TensorScope scope, long rows, DType dtype) {
        this.backend = backend;
        this.rows = rows;
        long count = Math.min(MOST_PANELS, rows / FEWEST_ROWS);
        this.width = (rows + count - 1) / count;
        for (long from = 0; from < rows; from += width) {
            Tensor panel = scope.allocate(Shape.of(Math.min(width, rows - from), rows - from), dtype);
            backend.elementwise().fill(panel, 0);
            panels.add(panel);
        }
    }

    /** Whether a matrix of so many rows has several panels. */
    static boolean pay(long rows) {
        return rows >= 2 * FEWEST_ROWS;
    }

    /** Adds X Xᵀ, X being {@code [rows, K]}. */
    void add(Tensor x) {
        try (TensorScope scope = backend.openScope()) {
            for (int panel = 0; panel < panels.size(); panel++) {
                long from = panel * width;
                Tensor own = scope.rows(x, from, Math.min(rows, from + width));
                Tensor beyond = scope.rows(x, from, rows);
                backend.products().multiply(own, false, beyond, true, 1, 1, panels.get(panel));
            }
        }
    }

    /** Adds the sum to {@code [rows, rows]}. */
    void addTo(Tensor destination) {
        for (int panel = 0; panel < panels.size(); panel++) {
            try (TensorScope scope = backend.openScope()) {
                long from = panel * width;
                Tensor own = panels.get(panel);
                Shape shape = own.shape();
                Region region = Region.all(destination.shape())
                        .with(0, from, shape.size(0))
                        .with(1, from, shape.size(1));
                RegionSums.add(backend, own, region, destination);
                long beyond = shape.size(1) - shape.size(0);
                if (beyond > 0) {
                    Region right = Region.all(shape).with(1, shape.size(0), beyond);
                    Tensor part = scope.allocate(right.shape(), own.dtype());
                    backend.indexing().extract(own, right, part);
                    Tensor mirrored = scope.allocate(Shape.of(beyond, shape.size(0)), own.dtype());
                    backend.indexing().permute(part, new int[] {1, 0}, mirrored);
                    Region below = Region.all(destination.shape())
                            .with(0, from + shape.size(0), beyond)
                            .with(1, from, shape.size(0));
                    RegionSums.add(backend, mirrored, below, destination);
                }
            }
        }
    }
}
