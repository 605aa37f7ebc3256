// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Parts of eigendecompositions, taken from whole ones. */
public final class PortableEigen {

    private PortableEigen() {}

    /** All eigenvalues: {@link io.backpack4j.spi.backend.Decompositions#symmetricEigenvalues}. */
    public static void values(Backend backend, Tensor a, Tensor values) {
        try (TensorScope scope = backend.openScope()) {
            backend.decompositions().symmetricEigen(a, values, scope.allocate(a.shape(), a.dtype()));
        }
    }

    /** The largest eigenpairs: {@link io.backpack4j.spi.backend.Decompositions#largestEigen}. */
    public static void largest(Backend backend, Tensor a, Tensor values, Tensor vectors) {
        int last = a.shape().rank() - 1;
        long rows = a.shape().size(last);
        long count = values.shape().size(-1);
        try (TensorScope scope = backend.openScope()) {
            Shape ofValues = a.shape().slice(0, last);
            Tensor allValues = scope.allocate(ofValues, a.dtype());
            Tensor allVectors = scope.allocate(a.shape(), a.dtype());
            backend.decompositions().symmetricEigen(a, allValues, allVectors);
            Region largest = Region.all(ofValues).with(last - 1, rows - count, count);
            backend.indexing().extract(allValues, largest, values);
            Region columns = Region.all(a.shape()).with(last, rows - count, count);
            backend.indexing().extract(allVectors, columns, vectors);
        }
    }
}
