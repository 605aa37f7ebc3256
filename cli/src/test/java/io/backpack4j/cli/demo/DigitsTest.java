// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.verify;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.mockito.ArgumentCaptor;

class DigitsTest {

    private final BackPack backpack = mock(BackPack.class);
    private final Digits digits = new Digits();

    @Test
    void pixels_are_scaled_and_labels_are_classes() {
        digits.batch(backpack, DType.FLOAT32, 10);
        ArgumentCaptor<float[]> pixels = ArgumentCaptor.forClass(float[].class);
        ArgumentCaptor<long[]> labels = ArgumentCaptor.forClass(long[].class);
        verify(backpack).batch(eq(DType.FLOAT32), pixels.capture(), eq(Shape.of(10, 28, 28)), labels.capture());
        assertThat(labels.getValue()).containsExactly(5, 0, 4, 1, 9, 2, 1, 3, 1, 4);
        float greatest = 0;
        for (float pixel : pixels.getValue()) {
            assertThat(pixel).isBetween(0f, 1f);
            greatest = Math.max(greatest, pixel);
        }
        assertThat(greatest).isEqualTo(1f);
    }

    @Test
    void batches_are_limited() {
        assertThat(digits.size()).isEqualTo(6000);
        assertThatThrownBy(() -> digits.batch(backpack, DType.FLOAT32, 6001))
                .hasMessage("[InvalidOption] A batch of 6001 was asked for, but there are 6000 digits.");
    }
}
