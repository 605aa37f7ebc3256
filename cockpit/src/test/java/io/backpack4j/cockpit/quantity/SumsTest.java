// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SumsTest {

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 65_536, 65_537, 140_000})
    void distances_are_those_of_all_pieces(int length) {
        double[] a = new Random(1).doubles(length, -1, 1).toArray();
        double[] b = new Random(2).doubles(length, -1, 1).toArray();
        double expected = 0;
        for (int i = 0; i < length; i++) {
            expected += (a[i] - b[i]) * (a[i] - b[i]);
        }
        try (BackPack backpack = BackPack.create();
                TensorScope scope = backpack.backend().openScope()) {
            Tensor left = backpack.backend().upload(scope, Shape.of(1, length), DType.FLOAT64, a);
            Tensor right = backpack.backend().upload(scope, Shape.of(1, length), DType.FLOAT64, b);
            assertThat(Sums.squaredDistance(backpack.backend(), left, right))
                    .isCloseTo(expected, offset(1e-12 * length));
        }
    }
}
