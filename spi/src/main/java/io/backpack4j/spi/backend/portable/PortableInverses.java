// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/** Inverses by solving for rows of the identity, a tile of them at a time. */
public final class PortableInverses {

    /** How many numbers of the identity there are at a time, unless one row has more. */
    private static final long TILE = 1 << 20;

    private PortableInverses() {}

    /** destination = (factor · factorᵀ)⁻¹; see {@link io.backpack4j.spi.backend.Decompositions#choleskyInverse}. */
    public static void invert(Backend backend, Tensor factor, Tensor destination) {
        long n = factor.shape().size(-1);
        if (factor.shape().elements() == 0) {
            return;
        }
        Shape matrices = Shape.of(factor.shape().elements() / n / n, n, n);
        try (TensorScope scope = backend.openScope()) {
            Tensor triangles = scope.view(factor, matrices);
            Tensor inverses = scope.view(destination, matrices);
            for (long matrix = 0; matrix < matrices.size(0); matrix++) {
                try (TensorScope ofMatrix = backend.openScope()) {
                    // A copy, for the destination may be the factor.
                    Tensor triangle = ofMatrix.allocate(Shape.of(n, n), factor.dtype());
                    backend.elementwise()
                            .copy(square(ofMatrix, ofMatrix.rows(triangles, matrix, matrix + 1), n), triangle);
                    invertOne(backend, triangle, square(ofMatrix, ofMatrix.rows(inverses, matrix, matrix + 1), n));
                }
            }
        }
    }

    private static Tensor square(TensorScope scope, Tensor matrix, long n) {
        return scope.view(matrix, Shape.of(n, n));
    }

    private static void invertOne(Backend backend, Tensor triangle, Tensor inverse) {
        long n = triangle.shape().size(0);
        long most = Math.min(n, Math.max(1, TILE / n));
        for (long from = 0; from < n; from += most) {
            long to = Math.min(n, from + most);
            try (TensorScope scope = backend.openScope()) {
                Tensor identity = scope.allocate(Shape.of(to - from, n), triangle.dtype());
                backend.elementwise().fill(identity, 0);
                Tensor ones = scope.allocate(Shape.of(1, to - from), triangle.dtype());
                backend.elementwise().fill(ones, 1);
                Region diagonal = Region.columns(1, from, n + 1, to - from);
                backend.indexing().insert(ones, diagonal, scope.view(identity, Shape.of(1, (to - from) * n)));
                backend.decompositions().choleskySolve(triangle, identity, scope.rows(inverse, from, to));
            }
        }
    }
}
