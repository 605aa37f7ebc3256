// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/** Random draws. */
record DrawChecks(BackendComparison both) {

    void drawsByCounter() {
        RandomKey key = new RandomKey(3, 5, 1);
        both.compare("draws", side -> {
            var draws = side.backend().random();
            long[] ids = {7, 0, 1L << 40};
            Tensor uniform = side.dirty(3, 4, 5);
            draws.uniform(key, ids, uniform);
            Tensor normal = side.dirty(3, 21);
            draws.normal(key, ids, normal);
            Tensor probabilities = side.dirty(3, 4, 5);
            side.backend().reductions().softmax(side.tensor(3, 4, 5), 1, probabilities);
            Tensor alone = side.dirty(1, 4, 5);
            draws.uniform(key, new long[] {0}, alone);
            Tensor nothing = side.dirty(0, 4);
            draws.normal(key, new long[0], nothing);
            Tensor later = side.dirty(3, 7);
            draws.uniform(key, ids, 13, later);
            return List.of(uniform, normal, alone, nothing, later);
        });
        both.compare("classes", side -> {
            Tensor certain = side.upload(Shape.of(2, 3, 2), 0, 1, 1, 0, 0, 0, 0.25, 0, 0.5, 0, 0.25, 1);
            Tensor classes = side.scope().allocate(Shape.of(2, 2), DType.INT64);
            side.backend().random().categorical(key, new long[] {4, 9}, certain, classes);
            return List.of(classes);
        });
    }
}
