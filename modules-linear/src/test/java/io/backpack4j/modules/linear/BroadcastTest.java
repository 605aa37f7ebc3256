// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import static io.backpack4j.modules.linear.ModuleRunner.declare;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sum, Sub, Mul, Div with axes of size one; expected numbers are written out by hand. */
class BroadcastTest {

    private static final Shape MATRIX = Shape.of(2, 2);
    private static final Shape COLUMN = Shape.of(2, 1);
    private static final Shape ROW = Shape.of(1, 2);

    @ParameterizedTest
    @CsvSource({
        "Sum, '11,12,23,24,35,36,47,48'",
        "Sub, '-9,-8,-17,-16,-25,-24,-33,-32'",
        "Mul, '10,20,60,80,150,180,280,320'",
        "Div, '0.1,0.2,0.15,0.2,0.16666666666666666,0.2,0.175,0.2'"
    })
    void axesOfSizeOneStretch(String type, String expected) {
        Module module = List.of(new Sum(), new Sub(), new Mul(), new Div()).stream()
                .filter(it -> it.type().equals(type))
                .findFirst()
                .orElseThrow();
        double[] output = two(module, MATRIX, COLUMN, new double[] {1, 2, 3, 4, 5, 6, 7, 8}, 10, 20, 30, 40);
        assertThat(output)
                .containsExactly(List.of(expected.split(",")).stream()
                        .mapToDouble(Double::parseDouble)
                        .toArray());
    }

    @Test
    void bothMayStretch() {
        assertThat(two(new Mul(), COLUMN, ROW, new double[] {1, 2, 3, 4}, 5, 6, 7, 8))
                .containsExactly(5, 6, 10, 12, 21, 24, 28, 32);
        assertThat(declare(new Sum(), COLUMN, ROW).output()).isEqualTo(MATRIX);
        assertThat(declare(new Div(), ROW, COLUMN).output()).isEqualTo(MATRIX);
        assertThat(declare(new Mul(), Shape.of(2, 1, 1), Shape.of(1, 3, 1), Shape.of(1, 1, 4))
                        .output())
                .isEqualTo(Shape.of(2, 3, 4));
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> declare(new Sum(), MATRIX, Shape.of(2, 3)))
                .hasMessageContaining(
                        "Sum needs inputs of equal shapes, up to axes of size 1, but a sample has shape [2, 2] in input 0 and [2, 3] in input 1");
        assertThatThrownBy(() -> declare(new Mul(), MATRIX, Shape.of(2))).hasMessageContaining("[2] in input 1");
        assertThatThrownBy(() -> declare(new Sub(), MATRIX)).hasMessageContaining("takes 2 inputs, but was given 1");
        assertThatThrownBy(() -> declare(new Div(), MATRIX, MATRIX, MATRIX)).hasMessageContaining("was given 3");
    }

    private static double[] two(Module module, Shape first, Shape second, double[] a, double... b) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            Tensor x = backend.upload(scope, first.prepend(2), DType.FLOAT64, a);
            Tensor y = backend.upload(scope, second.prepend(2), DType.FLOAT64, b);
            TestContext context = new TestContext(backend, scope, new long[] {0, 1}, new RandomKey(0, 0, 0));
            return module.evaluate(context, List.of(x, y), Map.of()).output().toDoubleArray();
        }
    }
}
