// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.loops.NativeLibraries;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The convolutions and pooling of well-known networks get oneDNN's fast implementations. */
class ConvolutionRecipesTest {

    @BeforeAll
    static void loadLibraries() {
        assertThat(NativeLibraries.get().onednn()).isPresent();
    }

    private static void assertFast(String what, DnnlPrimitive primitive) {
        try (primitive) {
            assertThat(primitive.usable())
                    .as(what + " is " + primitive.implementation())
                    .isTrue();
        }
    }

    @ParameterizedTest(name = "{0}x{1}x{2}x{2} to {3}, kernel {4}, stride {5}, padding {6}")
    @CsvSource({
        "128, 3, 32, 64, 5, 1, 0",
        "128, 64, 14, 96, 3, 1, 0",
        "128, 96, 6, 128, 3, 1, 1",
        "128, 1, 28, 32, 5, 1, 2",
        "128, 32, 14, 64, 5, 1, 2",
        "32, 3, 32, 96, 3, 1, 1",
        "32, 96, 32, 96, 3, 2, 1",
        "32, 192, 6, 192, 1, 1, 0",
        "32, 192, 6, 100, 1, 1, 0",
        "16, 1, 28, 6, 5, 1, 0",
        "16, 6, 12, 16, 5, 1, 0"
    })
    void convolutions(long batch, long channels, long size, long outputs, long kernel, long stride, long padding) {
        Window window = new Window(
                List.of(kernel, kernel), List.of(stride, stride), List.of(padding, padding), List.of(1L, 1L));
        long out = (size + 2 * padding - kernel) / stride + 1;
        for (long n : new long[] {batch, 1}) {
            ConvolutionSizes sizes = ConvolutionSizes.of(
                    window,
                    n,
                    Shape.of(n, channels, size, size),
                    Shape.of(n, outputs, out, out),
                    Shape.of(outputs, channels, kernel, kernel));
            Layout weights = sizes.weightLayout();
            try (DnnlPrimitive forward = ConvolutionRecipes.forward(sizes, true);
                    DnnlPrimitive data = ConvolutionRecipes.backwardData(sizes);
                    DnnlPrimitive gradient = ConvolutionRecipes.backwardWeights(sizes)) {
                assertThat(List.of(forward.usable(), data.usable(), gradient.usable()))
                        .as("%s, %s, %s"
                                .formatted(forward.implementation(), data.implementation(), gradient.implementation()))
                        .containsOnly(true);
                assertFast("weights to forward", ConvolutionRecipes.weightsTo(weights, forward, 1));
                assertFast("weights to backward", ConvolutionRecipes.weightsTo(weights, data, 1));
                assertFast("weights to gradient", ConvolutionRecipes.weightsTo(weights, gradient, 2));
                assertFast("gradient to weights", ConvolutionRecipes.weightsFrom(gradient, 2, weights));
            }
        }
    }

    @ParameterizedTest(name = "{0}x{1}x{2}x{2}, kernel {3}, stride {4}")
    @CsvSource({"128, 64, 29, 3, 2", "128, 96, 13, 3, 2", "128, 32, 28, 2, 2", "16, 6, 24, 2, 2"})
    void maxima(long batch, long channels, long size, long kernel, long stride) {
        Window window = new Window(List.of(kernel, kernel), List.of(stride, stride), List.of(0L, 0L), List.of(1L, 1L));
        long out = (size - kernel) / stride + 1;
        WindowSizes sizes = WindowSizes.of(
                window, batch, Shape.of(batch, channels, size, size), Shape.of(batch, channels, out, out));
        assertFast("maximum", ConvolutionRecipes.maximum(sizes, channels));
        assertFast("scatter", ConvolutionRecipes.scatter(sizes, channels));
    }

    @Test
    void windows_that_see_padding_only_are_not_given_to_onednn() {
        // oneDNN 3.11's forward convolution reads address 0 there and takes the process with it.
        Window window = new Window(List.of(1L, 2L), List.of(2L, 3L), List.of(1L, 2L), List.of(1L, 1L));
        Shape weight = Shape.of(4, 2, 1, 2);
        Shape inputs = Shape.of(4, 2, 3, 1);
        assertThat(ConvolutionSizes.of(window, 4, inputs, Shape.of(4, 4, 2, 3), weight)
                        .isExpressible())
                .isFalse();
        assertThat(ConvolutionSizes.of(window, 4, Shape.of(4, 2, 8, 8), Shape.of(4, 4, 4, 3), weight)
                        .isExpressible())
                .isFalse();
        Window inside = new Window(List.of(3L, 2L), List.of(2L, 3L), List.of(1L, 1L), List.of(1L, 1L));
        assertThat(ConvolutionSizes.of(inside, 4, Shape.of(4, 2, 8, 8), Shape.of(4, 4, 4, 3), Shape.of(4, 2, 3, 2))
                        .isExpressible())
                .isTrue();
    }
}
