// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SumsTest {

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 65_536, 65_537, 140_000})
    void differences_are_measured_whole(int length) {
        double[] a = new Random(1).doubles(length, -1, 1).toArray();
        double[] b = new Random(2).doubles(length, -1, 1).toArray();
        double expected = 0;
        double along = 0;
        for (int i = 0; i < length; i++) {
            expected += (a[i] - b[i]) * (a[i] - b[i]);
            along += (a[i] - b[i]) * a[i];
        }
        try (BackPack backpack = BackPack.create();
                TensorScope scope = backpack.backend().openScope()) {
            Tensor left = backpack.backend().upload(scope, Shape.of(1, length), DType.FLOAT64, a);
            Tensor right = backpack.backend().upload(scope, Shape.of(1, length), DType.FLOAT64, b);
            double[][] sums = Sums.measure(
                    backpack.backend(), List.of(Difference.ofZero(right), new Difference(left, right, null, left)));
            assertThat(sums[0][1]).isZero();
            assertThat(sums[1][0]).isCloseTo(expected, offset(1e-12 * length));
            assertThat(sums[1][1]).isCloseTo(along, offset(1e-12 * length));
        }
    }
}
