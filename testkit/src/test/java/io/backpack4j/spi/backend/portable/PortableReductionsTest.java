// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PortableReductionsTest {

    private final HeapBackend backend = new HeapBackend();
    private final TensorScope scope = backend.openScope();

    @AfterEach
    void closeAll() {
        scope.close();
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void logSoftmaxFollowsItsDefinition(int axis) {
        Shape shape = Shape.of(3, 4, 2);
        double[] x = Randomness.normal(Randomness.of("logSoftmax"), shape.elements());
        int behind = (int) shape.elements(axis + 1, 3);
        int size = (int) shape.size(axis);
        double[] expected = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            int first = i / (behind * size) * behind * size + i % behind;
            double sum = 0;
            for (int j = 0; j < size; j++) {
                sum += Math.exp(x[first + j * behind]);
            }
            expected[i] = x[i] - Math.log(sum);
        }

        Numbers.assertClose("log softmax", logSoftmax(DType.FLOAT64, shape, axis, x), expected, 1e-14);
        Tensor softmax = scope.allocate(shape, DType.FLOAT64);
        backend.reductions().softmax(backend.upload(scope, shape, DType.FLOAT64, x), axis, softmax);
        double[] exponentials = Arrays.stream(expected).map(Math::exp).toArray();
        Numbers.assertClose("softmax", softmax.toDoubleArray(), exponentials, 1e-14);
    }

    @Test
    void largeNumbersNeitherOverflowNorCancel() {
        double[] result = logSoftmax(DType.FLOAT32, Shape.of(1, 3), 1, 1000, -1000, 999);

        double rest = Math.log1p(Math.exp(-1));
        Numbers.assertClose("log softmax", result, new double[] {-rest, -2000 - rest, -1 - rest}, 1e-7);
        assertThat(logSoftmax(DType.FLOAT64, Shape.of(1, 2), 1, 1e30, -1e30)).containsExactly(0, -2e30);
        assertThat(logSoftmax(DType.FLOAT64, Shape.of(2, 1), 1, 7, -3)).containsExactly(0, 0);
    }

    private double[] logSoftmax(DType dtype, Shape shape, int axis, double... x) {
        Tensor result = scope.allocate(shape, dtype);
        backend.reductions().logSoftmax(backend.upload(scope, shape, dtype, x), axis, result);
        return result.toDoubleArray();
    }
}
