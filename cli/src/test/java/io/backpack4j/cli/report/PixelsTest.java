// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.tensor.Shape;
import org.junit.jupiter.api.Test;

class PixelsTest {

    @Test
    void small_grey_images_have_a_size() {
        assertThat(Pixels.of(Shape.of(28, 20))).contains(new Pixels(28, 20));
        assertThat(Pixels.of(Shape.of(1, 28, 28))).contains(new Pixels(28, 28));
        assertThat(Pixels.of(Shape.of(784))).contains(new Pixels(28, 28));
    }

    @Test
    void other_samples_have_none() {
        assertThat(Pixels.of(Shape.of(3, 32, 32))).isEmpty();
        assertThat(Pixels.of(Shape.of(5))).isEmpty();
        assertThat(Pixels.of(Shape.of())).isEmpty();
        assertThat(Pixels.of(Shape.of(1000, 1000))).isEmpty();
        assertThat(Pixels.of(Shape.of(1, 7))).isEmpty();
    }
}
