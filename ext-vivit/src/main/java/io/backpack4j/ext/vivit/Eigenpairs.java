// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * The largest eigenpairs of a group, ascending.
 *
 * @param ofGram eigenvalues of the Gram matrix as it is
 * @param ofGgn those of the GGN
 * @param vectors eigenvectors of the Gram matrix as columns; there may be more to the left, of smaller eigenvalues
 */
@SuppressWarnings("ArrayRecordComponent")
record Eigenpairs(NetworkPartial partial, double[] ofGram, double[] ofGgn, Tensor vectors) {

    int count() {
        return ofGram.length;
    }

    /** Reads a vector, the first of its entries of largest magnitude being positive. */
    void readVector(int k, double[] target) {
        try (TensorScope scope = partial.backend().openScope()) {
            long column = vectors.shape().size(1) - count() + k;
            Region region = Region.all(vectors.shape()).with(1, column, 1);
            Tensor own = scope.allocate(Shape.of(target.length, 1), vectors.dtype());
            partial.backend().indexing().extract(vectors, region, own);
            own.read(0, target, 0, target.length);
        }
        int largest = 0;
        for (int i = 1; i < target.length; i++) {
            if (Math.abs(target[i]) > Math.abs(target[largest])) {
                largest = i;
            }
        }
        if (target[largest] < 0) {
            for (int i = 0; i < target.length; i++) {
                target[i] = -target[i];
            }
        }
    }
}
