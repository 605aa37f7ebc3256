// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static io.backpack4j.modules.conv.Types.counting;
import static io.backpack4j.modules.conv.Types.create;
import static io.backpack4j.modules.conv.Types.declare;
import static io.backpack4j.modules.conv.Types.forward;
import static io.backpack4j.modules.conv.Types.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.module.JacobianChecks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Pooling against its definition. */
class PoolingTest {

    static Stream<Arguments> backpacksTests() {
        return Stream.of(
                of(create("MaxPool1d", "kernel_size", 2, "stride", 2, "padding", 1), 3, 8),
                of(create("MaxPool1d", "kernel_size", 2, "ceil_mode", true), 3, 8),
                of(create("MaxPool1d", "kernel_size", 3, "stride", 2, "dilation", 3), 3, 9),
                of(create("MaxPool2d", "kernel_size", 2, "stride", 2), 3, 8, 8),
                of(create("MaxPool2d", "kernel_size", 2, "stride", 2, "padding", 1), 3, 8, 8),
                of(create("MaxPool2d", "kernel_size", 2, "ceil_mode", true), 2, 4, 4),
                of(create("MaxPool2d", "kernel_size", 3, "stride", List.of(2, 1), "dilation", 3), 2, 9, 9),
                of(create("MaxPool3d", "kernel_size", 2, "stride", 2, "padding", 1), 1, 4, 6, 6),
                of(create("MaxPool3d", "kernel_size", 2, "ceil_mode", true), 1, 3, 4, 5),
                of(create("MaxPool3d", "kernel_size", 3, "stride", 2, "dilation", 3), 1, 7, 7, 7),
                of(create("AvgPool1d", "kernel_size", 3, "stride", 2, "padding", 1), 2, 9),
                of(create("AvgPool1d", "kernel_size", 4, "padding", 2), 2, 9),
                of(create("AvgPool2d", "kernel_size", 3, "stride", List.of(2, 1), "padding", 1), 2, 9, 9),
                of(create("AvgPool2d", "kernel_size", 4, "padding", 2), 2, 9, 9),
                of(create("AvgPool3d", "kernel_size", 3, "stride", List.of(2, 1, 1), "padding", 1), 1, 5, 6, 5),
                of(create("AvgPool3d", "kernel_size", 4, "padding", 2), 1, 6, 6, 6),
                of(create("AdaptiveAvgPool1d", "output_size", 3), 4, 9),
                of(create("AdaptiveAvgPool2d", "output_size", List.of(3, 5)), 3, 9, 20),
                of(create("AdaptiveAvgPool3d", "output_size", 2), 3, 4, 8, 8),
                of(create("AdaptiveAvgPool1d", "output_size", 2), 2, 7),
                of(create("AdaptiveAvgPool2d", "output_size", 2), 2, 8, 9),
                of(create("AdaptiveAvgPool2d", "output_size", List.of(4, 3)), 2, 8, 9),
                of(create("AdaptiveAvgPool3d", "output_size", Arrays.asList(null, 2, null)), 1, 3, 5, 4),
                of(create("AdaptiveMaxPool1d", "output_size", 5), 2, 3));
    }

    private static Arguments of(Module module, long... sample) {
        return Arguments.of(Named.of(module + " of " + Arrays.toString(sample), module), Shape.of(sample));
    }

    @ParameterizedTest
    @MethodSource("backpacksTests")
    void agreesWithDifferences(Module module, Shape sample) {
        JacobianChecks.run(module, 1, sample);
    }

    /** Known sizes of PyTorch's: input, kernel, stride, padding, in floor mode, in ceil mode. */
    @ParameterizedTest
    @CsvSource({
        "4,2,2,0,2,2",
        "5,2,2,0,2,3",
        "5,3,3,0,1,2",
        "7,3,2,1,4,4",
        "6,3,2,1,3,4",
        "4,1,3,0,2,2",
        "3,1,3,0,1,1",
        "7,2,2,1,4,4",
        "8,2,2,1,5,5",
        "5,2,4,0,1,2",
        "6,2,3,0,2,2",
        "10,3,4,1,3,3"
    })
    void sizesArePyTorchs(int in, int kernel, int stride, int padding, int floor, int ceil) {
        for (String type : List.of("MaxPool1d", "AvgPool1d")) {
            for (boolean ceilMode : List.of(false, true)) {
                Module module = create(
                        type, "kernel_size", kernel, "stride", stride, "padding", padding, "ceil_mode", ceilMode);
                assertThat(output(module, 1, in)).isEqualTo(Shape.of(1, ceilMode ? ceil : floor));
            }
        }
    }

    @Test
    void ceilModeMayMakeAWindowOfTooShortAnInput() {
        assertThat(output(create("MaxPool1d", "kernel_size", 2, "ceil_mode", true), 1, 1))
                .isEqualTo(Shape.of(1, 1));
        assertThatThrownBy(() -> output(create("MaxPool1d", "kernel_size", 2), 1, 1))
                .hasMessageContaining("covers 2 elements of axis 2");
    }

    @Test
    void divisorsArePyTorchs() {
        Shape line = Shape.of(1, 5);
        double[] x = {1, 2, 3, 4, 5};

        assertThat(forward(avg(true, true), line, x)).containsExactly(1, 3, 3);
        assertThat(forward(avg(true, false), line, x)).containsExactly(1.5, 3, 4.5);
        Module ceil = create("AvgPool1d", "kernel_size", 2, "stride", 2, "ceil_mode", true);
        assertThat(forward(ceil, line, x)).containsExactly(1.5, 3.5, 5);
        Module override = create("AvgPool2d", "kernel_size", List.of(1, 2), "divisor_override", 4);
        assertThat(forward(override, Shape.of(1, 1, 4), 1, 2, 3, 4)).containsExactly(0.75, 1.75);
    }

    /** Windows of three, two apart, one of padding on both sides. */
    private static Module avg(boolean ceilMode, boolean includePad) {
        return create(
                "AvgPool1d",
                "kernel_size",
                3,
                "stride",
                2,
                "padding",
                1,
                "ceil_mode",
                ceilMode,
                "count_include_pad",
                includePad);
    }

    @Test
    void adaptiveWindowsOverlapWhereSizesDoNotDivide() {
        assertThat(forward(AdaptiveAvgPool.of(1, 3), Shape.of(1, 5), counting(5)))
                .containsExactly(new double[] {1.5, 3, 4.5}, within(1e-15));
        assertThat(forward(AdaptiveMaxPool.of(1, 3), Shape.of(1, 5), counting(5)))
                .containsExactly(2, 4, 5);
        assertThat(forward(AdaptiveAvgPool.of(1, 5), Shape.of(1, 2), 1, 3)).containsExactly(1, 1, 2, 3, 3);
        Module keeping = create("AdaptiveMaxPool2d", "output_size", Arrays.asList(null, 1));
        assertThat(output(keeping, 7, 3, 4)).isEqualTo(Shape.of(7, 3, 1));
        assertThat(forward(keeping, Shape.of(1, 2, 2), 4, 3, 1, 2)).containsExactly(4, 2);
    }

    @Test
    void paddingIsNeverTheMaximumAndNanAlways() {
        assertThat(forward(MaxPool.of(2, 2), Shape.of(1, 2, 2), 1, Double.NaN, 7, 7))
                .containsExactly(Double.NaN);
        assertThat(forward(
                        create("MaxPool1d", "kernel_size", 3, "stride", 1, "padding", 1), Shape.of(1, 3), -5, -7, -6))
                .containsExactly(-5, -5, -6);
    }

    @RepeatedTest(200)
    void agreesWithItsDefinitionAtRandom(RepetitionInfo repetition) {
        Random random = Randomness.of("pooling " + repetition.getCurrentRepetition());
        int axes = 1 + random.nextInt(3);
        boolean maximum = random.nextBoolean();
        boolean ceilMode = random.nextBoolean();
        boolean includePad = random.nextBoolean();
        int override = axes > 1 && random.nextInt(3) == 0 ? 1 + random.nextInt(5) : 0;
        NaivePooling naive = NaivePooling.draw(random, axes, maximum);
        List<Object> arguments = new ArrayList<>(List.of(
                "kernel_size",
                naive.kernel(),
                "stride",
                naive.stride(),
                "padding",
                naive.padding(),
                "ceil_mode",
                ceilMode));
        if (maximum) {
            arguments.addAll(List.of("dilation", naive.dilation()));
        } else {
            arguments.addAll(List.of("count_include_pad", includePad));
            if (override > 0) {
                arguments.addAll(List.of("divisor_override", override));
            }
        }
        Module module = create((maximum ? "MaxPool" : "AvgPool") + axes + "d", arguments.toArray());
        Shape sample = Spatial.sample(2, naive.in().stream().map(Long::valueOf).toList());
        double[] x = Randomness.normal(random, 3 * sample.elements());
        if (naive.isPossible(ceilMode)) {
            double[] expected = maximum ? naive.maxima(x, ceilMode) : naive.averages(x, ceilMode, includePad, override);
            assertThat(forward(module, sample, x))
                    .as("%s of %s", module, sample)
                    .containsExactly(expected, within(1e-13));
            if (sample.elements() < 60) {
                JacobianChecks.run(module, 1, sample);
            }
        } else {
            assertThatThrownBy(() -> module.declare(List.of(sample)))
                    .hasMessageStartingWith("[ShapeMismatch] " + module.type() + " has kernel_size")
                    .hasMessageContaining("Possible are");
        }
    }

    @Test
    void saysWhatDoesNotFit() {
        assertThatThrownBy(() -> declare(MaxPool.of(2, 3), 1, 2, 5))
                .hasMessage("[ShapeMismatch] MaxPool2d has kernel_size [3, 3], so a window covers 3 elements of axis 2,"
                        + " but there are 2, padding included, in samples of shape [1, 2, 5]. Possible are a smaller"
                        + " kernel_size, or more padding.");
        Module gap = create("MaxPool1d", "kernel_size", 2, "padding", 1, "dilation", 2);
        assertThatThrownBy(() -> declare(gap, 1, 1))
                .hasMessage(
                        "[ShapeMismatch] MaxPool1d has kernel_size [2], stride [2], padding [1] and dilation [2], so"
                                + " window 0 along axis 2 of samples of shape [1, 1] holds padding only. Possible are less"
                                + " padding or dilation, or ceil_mode=false.");
        assertThatThrownBy(() -> declare(AvgPool.of(2, 3), 2, 5))
                .hasMessageContaining("AvgPool2d takes samples of shape [channels, height, width]");
        assertThatThrownBy(() -> declare(AdaptiveAvgPool.of(2, 3), 2, 5))
                .hasMessageContaining("AdaptiveAvgPool2d takes samples of shape [channels, height, width]");
        assertThatThrownBy(() -> declare(AdaptiveMaxPool.of(1, 3), 2, 0)).hasMessageContaining("which is empty");
    }

    @Test
    void saysWhichArgumentIsWrong() {
        assertThatThrownBy(() -> create("MaxPool2d", "kernel_size", 3, "padding", 2))
                .hasMessage("[InvalidArgument] Argument 'padding' of MaxPool2d is [2, 2], but must be at most half of"
                        + " kernel_size = [3, 3], rounded down.");
        assertThatThrownBy(() -> create("AvgPool1d", "kernel_size", 1, "padding", 1))
                .hasMessageContaining("'padding' of AvgPool1d");
        assertThatThrownBy(() -> create("MaxPool1d", "stride", 1)).hasMessageContaining("'kernel_size'");
        assertThatThrownBy(() -> create("MaxPool1d", "kernel_size", 2, "stride", 0))
                .hasMessageContaining("'stride' of node 'a' (MaxPool1d) is 0, but must be at least 1");
        assertThatThrownBy(() -> create("MaxPool1d", "kernel_size", 2, "return_indices", true))
                .hasMessageContaining("has no argument 'return_indices'");
        assertThatThrownBy(() -> create("AvgPool1d", "kernel_size", 2, "divisor_override", 2))
                .hasMessageContaining("has no argument 'divisor_override'");
        assertThatThrownBy(() -> create("AvgPool2d", "kernel_size", 2, "divisor_override", 0))
                .hasMessageContaining("'divisor_override' of AvgPool2d is 0");
        assertThatThrownBy(() -> new AvgPool(MaxPool.of(1, 2).window(), false, true, 0L))
                .hasMessageContaining("'divisor_override'");
        assertThatThrownBy(() -> new AvgPool(Convolving.withDilation(Convolving.window(1, 2), 2), false, true, null))
                .hasMessageContaining("'dilation' of AvgPool1d is [2]");
        assertThatThrownBy(() -> create("AdaptiveAvgPool2d", "output_size", Arrays.asList(1, 2, null)))
                .hasMessageContaining("is [1, 2, null], but must be one positive integer or a list of 2");
        assertThatThrownBy(() -> create("AdaptiveAvgPool2d", "output_size", List.of(1, 0.5)))
                .hasMessageContaining("'output_size'");
        assertThatThrownBy(() -> create("AdaptiveAvgPool2d", "output_size", 0)).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> create("AdaptiveAvgPool2d")).hasMessageContaining("[MissingArgument]");
        assertThatThrownBy(() -> AdaptiveMaxPool.of(2, 0, 1))
                .hasMessageContaining("'output_size' of AdaptiveMaxPool2d is [0, 1]");
    }

    @Test
    void defaultsArePyTorchs() {
        assertThat(create("MaxPool2d", "kernel_size", List.of(2, 3))).isEqualTo(MaxPool.of(2, 2, 3));
        assertThat(create("AvgPool3d", "kernel_size", 2)).isEqualTo(AvgPool.of(3, 2));
        assertThat(create("AdaptiveAvgPool2d", "output_size", 2)).isEqualTo(AdaptiveAvgPool.of(2, 2));
        assertThat(create("AdaptiveMaxPool1d", "output_size", List.of(4))).isEqualTo(AdaptiveMaxPool.of(1, 4));
        assertThat(AdaptiveMaxPool.of(2, 4, 5).type()).isEqualTo("AdaptiveMaxPool2d");
    }
}
