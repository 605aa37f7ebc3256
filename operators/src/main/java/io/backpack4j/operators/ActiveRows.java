// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Which right-hand sides are being worked on: these have the first rows of the work tensors, in their order, so that
 * products are of these only. Numbers per right-hand side stand at its own index.
 */
final class ActiveRows {

    private final Backend backend;
    private final int all;
    private int[] active;

    ActiveRows(Backend backend, int all) {
        this.backend = backend;
        this.all = all;
        this.active = IntStream.range(0, all).toArray();
    }

    /** What is done with a right-hand side. */
    @FunctionalInterface
    interface Visit {
        /**
         * Called for each one.
         *
         * @param row its row in the work tensors
         * @param index its own
         */
        void at(TensorScope scope, int row, int index);
    }

    int count() {
        return active.length;
    }

    /** Their indices, which are not to be written to. */
    int[] indices() {
        return active;
    }

    /** Goes back to right-hand sides that have left; the contents of their rows are no longer theirs. */
    void reset(int[] indices) {
        active = indices;
    }

    void forEach(Visit visit) {
        try (TensorScope scope = backend.openScope()) {
            for (int row = 0; row < active.length; row++) {
                visit.at(scope, row, active[row]);
            }
        }
    }

    /** Takes right-hand sides out of the work tensors; the others move up. */
    void leave(IntPredicate which, Tensor... work) {
        int[] staying = new int[active.length];
        int[] count = {0};
        forEach((scope, row, index) -> {
            if (which.test(index)) {
                return;
            }
            if (count[0] < row) {
                for (Tensor tensor : work) {
                    backend.elementwise().copy(row(scope, tensor, row), row(scope, tensor, count[0]));
                }
            }
            staying[count[0]++] = index;
        });
        active = Arrays.copyOf(staying, count[0]);
    }

    /** Inner products of the rows. */
    double[] dots(Tensor left, Tensor right) {
        double[] dots = new double[all];
        if (active.length > 0) {
            try (TensorScope scope = backend.openScope()) {
                Tensor rows = rows(scope, left);
                double[] ofRows = Vectors.dots(backend, rows, left == right ? rows : rows(scope, right));
                for (int row = 0; row < active.length; row++) {
                    dots[active[row]] = ofRows[row];
                }
            }
        }
        return dots;
    }

    double[] norms(Tensor work) {
        double[] norms = dots(work, work);
        for (int index : active) {
            norms[index] = Math.sqrt(norms[index]);
        }
        return norms;
    }

    /** The rows that are in use. */
    Tensor rows(TensorScope scope, Tensor work) {
        return scope.rows(work, 0, active.length);
    }

    static Tensor row(TensorScope scope, Tensor tensor, int index) {
        return scope.rows(tensor, index, index + 1);
    }
}
