// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Numbers per spatial axis, and tensors whose columns and samples are one axis. */
final class Spatial {

    private Spatial() {}

    /** One number per axis; a single one stands for all. */
    static List<Long> each(int axes, long... values) {
        return values.length == 1
                ? Collections.nCopies(axes, values[0])
                : Arrays.stream(values).boxed().toList();
    }

    /** {@code [C, *sizes]}. */
    static Shape sample(long channels, List<Long> sizes) {
        return Shape.of(channels)
                .append(sizes.stream().mapToLong(Long::longValue).toArray());
    }

    /** {@code [V, N, *]} as {@code [V · N, *]}. */
    static Tensor joined(TensorScope scope, Tensor tensor) {
        Shape shape = tensor.shape();
        return scope.view(tensor, shape.dropFirst(2).prepend(shape.elements(0, 2)));
    }
}
