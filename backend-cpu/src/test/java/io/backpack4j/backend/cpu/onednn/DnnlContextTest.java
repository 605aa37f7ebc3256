// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.junit.jupiter.api.Test;

class DnnlContextTest {

    @Test
    void primitivesOfChangingShapesDoNotPileUp() {
        try (Backend backend = Variant.open("onednn");
                TensorScope scope = backend.openScope()) {
            DnnlContext context =
                    ((DnnlKernels) Variant.kernels(backend)).contexts().get();
            Tensor x = scope.allocate(Shape.of(4000), DType.FLOAT32);
            for (int n = 1000; n < 1000 + DnnlContext.LIMIT + 50; n++) {
                Tensor part = scope.rows(x, 0, n);
                backend.elementwise().affine(part, 1, 0, part);
            }
            assertThat(context.size()).isEqualTo(DnnlContext.LIMIT);
        }
    }
}
