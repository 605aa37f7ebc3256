// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static io.backpack4j.modules.conv.Types.create;
import static io.backpack4j.modules.conv.Types.forward;
import static io.backpack4j.modules.conv.Types.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Expected numbers are those of PyTorch 2.15's {@code functional.interpolate}. */
class UpsampleTest {

    private static final Shape SAMPLE = Shape.of(1, 2, 3);

    @Test
    void nearestTakesTheInputBefore() {
        check(create("Upsample", "size", List.of(3, 5)), 0, 0, 1, 1, 2, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5);
        check(create("Upsample", "scale_factor", List.of(2.5, 0.7)), 0, 1, 0, 1, 0, 1, 3, 4, 3, 4);
    }

    @Test
    void bilinearIsBetweenNeighbours() {
        check(
                create("Upsample", "scale_factor", 2, "mode", "bilinear"),
                0,
                0.25,
                0.75,
                1.25,
                1.75,
                2,
                0.75,
                1,
                1.5,
                2,
                2.5,
                2.75,
                2.25,
                2.5,
                3,
                3.5,
                4,
                4.25,
                3,
                3.25,
                3.75,
                4.25,
                4.75,
                5);
        check(
                create("Upsample", "scale_factor", 1.7, "mode", "bilinear"),
                0,
                0.382353,
                0.970588,
                1.558824,
                2,
                1.147059,
                1.529412,
                2.117647,
                2.705882,
                3.147059,
                2.911765,
                3.294118,
                3.882353,
                4.470588,
                4.911765);
    }

    @Test
    void cornersMayBeAligned() {
        check(
                create("Upsample", "size", List.of(3, 4), "mode", "bilinear", "align_corners", true),
                0,
                0.666667,
                1.333333,
                2,
                1.5,
                2.166667,
                2.833333,
                3.5,
                3,
                3.666667,
                4.333333,
                5);
        check(create("Upsample", "size", List.of(1, 2), "mode", "bilinear", "align_corners", true), 0, 2);
    }

    @Test
    void sizesAreThoseOfPyTorch() {
        assertThat(output(create("Upsample", "scale_factor", 1.5), 2, 5)).isEqualTo(Shape.of(2, 7));
        assertThat(output(create("Upsample", "size", 4), 2, 5, 3, 2)).isEqualTo(Shape.of(2, 4, 4, 4));
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> output(create("Upsample"), 2, 5)).hasMessageContaining("needs size or scale_factor");
        assertThatThrownBy(() -> create("Upsample", "size", 2, "scale_factor", 2))
                .hasMessageContaining("left out where scale_factor is given");
        assertThatThrownBy(() -> create("Upsample", "scale_factor", 0)).hasMessageContaining("positive and finite");
        assertThatThrownBy(() -> create("Upsample", "scale_factor", List.of("a")))
                .hasMessageContaining("a number, or one for each spatial axis");
        assertThatThrownBy(() -> create("Upsample", "size", 0)).hasMessageContaining("'size' of Upsample is 0");
        assertThatThrownBy(() -> create("Upsample", "size", 2, "align_corners", true))
                .hasMessageContaining("'align_corners'");
        assertThatThrownBy(() -> create("Upsample", "size", 2, "mode", "bicubic"))
                .hasMessageContaining("bicubic");
        assertThatThrownBy(() -> output(create("Upsample", "size", 2, "mode", "bilinear"), 2, 5))
                .hasMessageContaining("two spatial axes");
        assertThatThrownBy(() -> output(create("Upsample", "size", List.of(2, 2)), 2, 5))
                .hasMessageContaining("does not fit samples of shape [2, 5]");
        assertThatThrownBy(() -> output(create("Upsample", "scale_factor", 0.1), 2, 5))
                .hasMessageContaining("which is empty");
    }

    private static void check(Module module, double... expected) {
        assertThat(forward(module, SAMPLE, 0, 1, 2, 3, 4, 5)).containsExactly(expected, within(1e-6));
    }
}
