// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.GroupDerivation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;

/** The eigenvalues of a Gram matrix, ascending, and its eigenvectors as columns. */
record GramEigenpairs() implements GroupDerivation {

    @Override
    public List<Tensor> derive(Backend backend, TensorScope scope, Tensor gram) {
        Tensor values = scope.allocate(Shape.of(gram.shape().size(0)), gram.dtype());
        Tensor vectors = scope.allocate(gram.shape(), gram.dtype());
        backend.decompositions().symmetricEigen(gram, values, vectors);
        return List.of(values, vectors);
    }
}
