// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Matrix products. */
record ProductChecks(BackendComparison both) {

    void multipliesMatrices() {
        long[][] sizes = {{3, 4, 5}, {1, 7, 1}, {16, 33, 8}, {0, 2, 3}, {2, 0, 3}, {2, 3, 0}};
        for (int flags = 0; flags < 4; flags++) {
            boolean left = (flags & 1) != 0;
            boolean right = (flags & 2) != 0;
            both.compare("products, transposed " + left + " and " + right, side -> {
                List<Tensor> results = new ArrayList<>();
                for (long[] mkn : sizes) {
                    Shape a = left ? Shape.of(mkn[1], mkn[0]) : Shape.of(mkn[0], mkn[1]);
                    Shape b = right ? Shape.of(mkn[2], mkn[1]) : Shape.of(mkn[1], mkn[2]);
                    Shape c = Shape.of(mkn[0], mkn[2]);
                    for (long[] batches : new long[][] {{}, {3, 3}, {1, 3}, {3, 1}, {0, 0}}) {
                        boolean alone = batches.length == 0;
                        Shape batch = alone ? c : c.prepend(batches[0] == 1 ? batches[1] : batches[0]);
                        Tensor x = side.tensor(alone ? a : a.prepend(batches[0]));
                        Tensor y = side.tensor(alone ? b : b.prepend(batches[1]));
                        Tensor fresh = side.dirty(batch);
                        side.backend().products().multiply(x, left, y, right, 0.5, 0, fresh);
                        Tensor added = side.tensor(batch);
                        side.backend().products().multiply(x, left, y, right, -1, 0.75, added);
                        results.addAll(List.of(fresh, added));
                    }
                }
                return results;
            });
        }
        both.compare("linear", side -> {
            List<Tensor> results = new ArrayList<>();
            for (long[] mio : new long[][] {{4, 3, 5}, {1, 1, 1}, {0, 3, 2}, {40, 17, 9}}) {
                Tensor result = side.dirty(mio[0], mio[2]);
                side.backend()
                        .products()
                        .linear(side.tensor(mio[0], mio[1]), side.tensor(mio[2], mio[1]), side.tensor(mio[2]), result);
                results.add(result);
            }
            return results;
        });
    }
}
