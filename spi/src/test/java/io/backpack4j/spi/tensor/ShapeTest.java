// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import org.junit.jupiter.api.Test;

class ShapeTest {

    private final Shape shape = Shape.of(2, 5, 3);

    @Test
    void knowsItsSizes() {
        assertThat(shape.rank()).isEqualTo(3);
        assertThat(shape.size(1)).isEqualTo(5);
        assertThat(shape.size(-1)).isEqualTo(3);
        assertThat(shape.elements()).isEqualTo(30);
        assertThat(shape.elements(1, 3)).isEqualTo(15);
        assertThat(shape.elements(1, 1)).isEqualTo(1);
        assertThat(Shape.of().elements()).isEqualTo(1);
        assertThat(Shape.of(3, 0).elements()).isZero();
    }

    @Test
    void makesOtherShapes() {
        assertThat(shape.prepend(7, 8)).isEqualTo(Shape.of(7, 8, 2, 5, 3));
        assertThat(shape.append(7)).isEqualTo(Shape.of(2, 5, 3, 7));
        assertThat(shape.dropFirst(2)).isEqualTo(Shape.of(3));
        assertThat(shape.slice(1, 2)).isEqualTo(Shape.of(5));
        assertThat(shape.slice(1, 1)).isEqualTo(Shape.of());
        assertThat(shape.with(-2, 9)).isEqualTo(Shape.of(2, 9, 3));
        assertThat(shape).isEqualTo(Shape.of(2, 5, 3));
    }

    @Test
    void isAValue() {
        long[] sizes = {2, 5, 3};
        Shape copied = Shape.of(sizes);
        sizes[0] = 9;
        copied.toArray()[0] = 9;

        assertThat(copied).isEqualTo(shape).hasSameHashCodeAs(shape).hasToString("[2, 5, 3]");
        assertThat(copied).isNotEqualTo(Shape.of(2, 5)).isNotEqualTo("[2, 5, 3]");
    }

    @Test
    void refusesImpossibleSizes() {
        assertThatThrownBy(() -> Shape.of(2, -1))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("[2, -1]");
        assertThatThrownBy(() -> Shape.of(Long.MAX_VALUE, 2)).hasMessageContaining("more elements than can be counted");
    }
}
