// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import static io.backpack4j.modules.conv.Types.create;
import static io.backpack4j.modules.conv.Types.declare;
import static io.backpack4j.modules.conv.Types.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.factored.ConvolutionFactors;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What convolutions declare and refuse; their arithmetic is in {@link ConvolutionsTest}. */
class ConvTest {

    @Test
    void argumentsAndDefaultsArePyTorchs() {
        assertThat(create("Conv2d", "in_channels", 3, "out_channels", 8, "kernel_size", 5))
                .isEqualTo(Conv.of(2, 3, 8, 5));
        assertThat(create(
                        "Conv3d",
                        "in_channels",
                        4,
                        "out_channels",
                        8,
                        "kernel_size",
                        List.of(1, 2, 3),
                        "stride",
                        List.of(3, 2, 1),
                        "padding",
                        1,
                        "dilation",
                        List.of(1, 1, 2),
                        "groups",
                        2,
                        "bias",
                        false,
                        "padding_mode",
                        "zeros"))
                .isEqualTo(Conv.of(3, 4, 8, 1, 2, 3)
                        .withStride(3, 2, 1)
                        .withPadding(1)
                        .withDilation(1, 1, 2)
                        .withGroups(2)
                        .withoutBias());
        assertThat(create("Conv1d", "in_channels", 1, "out_channels", 1, "kernel_size", 2, "padding", "valid"))
                .isEqualTo(Conv.of(1, 1, 1, 2));
        assertThat(create("Conv1d", "in_channels", 1, "out_channels", 1, "kernel_size", 4, "padding", "same"))
                .isEqualTo(Conv.of(1, 1, 1, 4).withSamePadding());
        assertThat(create(
                        "ConvTranspose2d",
                        "in_channels",
                        4,
                        "out_channels",
                        2,
                        "kernel_size",
                        3,
                        "stride",
                        2,
                        "padding",
                        1,
                        "output_padding",
                        List.of(1, 0),
                        "groups",
                        2,
                        "dilation",
                        2,
                        "bias",
                        false))
                .isEqualTo(ConvTranspose.of(2, 4, 2, 3)
                        .withStride(2)
                        .withPadding(1)
                        .withDilation(2)
                        .withOutputPadding(1, 0)
                        .withGroups(2)
                        .withoutBias());
    }

    @Test
    void declaresParametersInPyTorchsOrder() {
        ModuleDeclaration declaration = declare(Conv.of(2, 4, 6, 3, 2).withGroups(2), 4, 8, 9);

        assertThat(declaration.output()).isEqualTo(Shape.of(6, 6, 8));
        assertThat(declaration.retainsInputs()).isTrue();
        Initializer initializer = Initializer.fanIn(2 * 3 * 2);
        assertThat(declaration.parameters())
                .containsExactly(
                        ParameterSpec.parameter("weight", Shape.of(6, 2, 3, 2), initializer)
                                .withKronecker(ConvolutionFactors.sizes(Shape.of(6, 2, 3, 2), 2)),
                        ParameterSpec.parameter("bias", Shape.of(6), initializer));
        Initializer transposed = Initializer.fanIn(3 * 3);
        assertThat(declare(ConvTranspose.of(1, 4, 6, 3).withGroups(2), 4, 8).parameters())
                .containsExactly(
                        ParameterSpec.parameter("weight", Shape.of(4, 3, 3), transposed)
                                .withKronecker(ConvolutionFactors.transposedSizes(Shape.of(4, 3, 3), 2)),
                        ParameterSpec.parameter("bias", Shape.of(6), transposed));
        assertThat(declare(Conv.of(1, 1, 1, 1).withoutBias(), 1, 4).parameters())
                .extracting(ParameterSpec::name)
                .containsExactly("weight");
    }

    @Test
    void sizesArePyTorchs() {
        assertThat(output(Conv.of(2, 1, 1, 5).withPadding(2).withStride(2), 1, 28, 27))
                .isEqualTo(Shape.of(1, 14, 14));
        assertThat(output(Conv.of(2, 1, 1, 4).withDilation(3).withSamePadding(), 1, 5, 4))
                .isEqualTo(Shape.of(1, 5, 4));
        assertThat(output(ConvTranspose.of(1, 1, 1, 3).withStride(2).withPadding(1), 1, 4))
                .isEqualTo(Shape.of(1, 7));
        assertThat(output(
                        ConvTranspose.of(1, 1, 1, 3)
                                .withStride(2)
                                .withPadding(1)
                                .withOutputPadding(1),
                        1,
                        4))
                .isEqualTo(Shape.of(1, 8));
    }

    @Test
    void saysWhichWindowDoesNotFit() {
        assertThatThrownBy(() -> declare(Conv.of(2, 3, 1, 5), 3, 6, 4))
                .hasMessage(
                        "[ShapeMismatch] Conv2d has kernel_size [5, 5], so a window covers 5 elements of axis 3, but"
                                + " there are 4, padding included, in samples of shape [3, 6, 4]. Possible are a smaller"
                                + " kernel_size, or more padding.");
        assertThatThrownBy(() -> declare(Conv.of(1, 3, 1, 3).withDilation(3).withPadding(1), 3, 4))
                .hasMessage("[ShapeMismatch] Conv1d has kernel_size [3] and dilation [3], so a window covers 7 elements"
                        + " of axis 2, but there are 6, padding included, in samples of shape [3, 4]. Possible are a"
                        + " smaller kernel_size or dilation, or more padding.");
        assertThatThrownBy(() -> declare(ConvTranspose.of(1, 1, 1, 2).withPadding(2), 1, 3))
                .hasMessage("[ShapeMismatch] ConvTranspose1d with kernel_size [2], stride [1], padding [2] and dilation"
                        + " [1] makes 0 elements of axis 2 of samples of shape [1, 3], but must make at least 1."
                        + " Possible are less padding, or a larger kernel_size.");
    }

    @Test
    void saysWhichSamplesDoNotFit() {
        assertThatThrownBy(() -> declare(Conv.of(2, 3, 1, 5), 1, 8, 8))
                .hasMessage(
                        "[ShapeMismatch] Conv2d has in_channels = 3, so the first axis of its input needs that size,"
                                + " but samples have shape [1, 8, 8]. Change in_channels, or what comes before.");
        assertThatThrownBy(() -> declare(Conv.of(2, 1, 1, 5), 8, 8))
                .hasMessage("[ShapeMismatch] Conv2d takes samples of shape [channels, height, width], but these have"
                        + " shape [8, 8]. If they have one channel, give it an axis of its own: [1, 8, 8].");
        assertThatThrownBy(() -> declare(Conv.of(1, 1, 1, 5), 2, 1, 8))
                .hasMessage("[ShapeMismatch] Conv1d takes samples of shape [channels, length], but these have shape"
                        + " [2, 1, 8]. The axis of the batch, which comes before these, is not part of it.");
        assertThatThrownBy(() -> declare(Conv.of(4, 1, 1, 5), 2)).hasMessageContaining("5 axes, channels first");
        assertThatThrownBy(() -> Conv.of(2, 1, 1, 1).declare(List.of(Shape.of(1, 2, 2), Shape.of(1))))
                .hasMessage("[InputCountMismatch] Conv2d takes one input, but was given 2.");
    }

    @Test
    void saysWhichArgumentIsWrong() {
        assertThatThrownBy(() -> Conv.of(2, 0, 1, 5)).hasMessageContaining("'in_channels' of Conv2d is 0");
        assertThatThrownBy(() -> Conv.of(2, 1, -1, 5)).hasMessageContaining("'out_channels' of Conv2d is -1");
        assertThatThrownBy(() -> Conv.of(2, 1, 1, 0)).hasMessageContaining("kernel size of a window is 0");
        assertThatThrownBy(() -> Conv.of(2, 4, 6, 1).withGroups(4))
                .hasMessage(
                        "[InvalidArgument] Argument 'groups' of Conv2d is 4, but must be a divisor of in_channels = 4"
                                + " and out_channels = 6.");
        assertThatThrownBy(() -> Conv.of(1, 4, 6, 1).withGroups(0)).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> new Conv(1, 1, Convolving.window(2, 1), List.of(0L), 1, true))
                .hasMessageContaining("'padding' of Conv2d is [0]");
        assertThatThrownBy(() -> Conv.of(2, 1, 1, 3).withStride(1, 2).withSamePadding())
                .hasMessageContaining("'padding' of Conv2d is 'same'")
                .hasMessageContaining("needs stride 1");
        assertThatThrownBy(() -> ConvTranspose.of(2, 4, 6, 1).withGroups(4)).hasMessageContaining("'groups'");
        assertThatThrownBy(() -> ConvTranspose.of(2, 0, 6, 1)).hasMessageContaining("'in_channels'");
        assertThatThrownBy(() -> ConvTranspose.of(2, 1, 0, 1)).hasMessageContaining("'out_channels'");
        assertThatThrownBy(() -> ConvTranspose.of(1, 1, 1, 2).withStride(2).withOutputPadding(2))
                .hasMessage(
                        "[InvalidArgument] Argument 'output_padding' of ConvTranspose1d is [2], but must be at least"
                                + " 0 and less than stride = [2] or dilation = [1], axis by axis.");
        assertThatThrownBy(() -> ConvTranspose.of(1, 1, 1, 2).withOutputPadding(-1))
                .hasMessageContaining("'output_padding' of ConvTranspose1d is [-1]");
        assertThat(ConvTranspose.of(1, 1, 1, 2).withDilation(3).withOutputPadding(2))
                .isNotNull();
    }

    @Test
    void saysWhichArgumentOfAFileIsWrong() {
        assertThatThrownBy(() -> create("Conv2d", "in_channels", 1, "out_channels", 1))
                .hasMessage("[MissingArgument] Node 'a' (Conv2d) needs the argument 'kernel_size', which is missing.");
        assertThatThrownBy(() -> create("Conv2d", "in_channels", 1, "out_channels", 1, "kernel_size", List.of(1, 2, 3)))
                .hasMessageContaining(
                        "'kernel_size' of node 'a' (Conv2d) is [1, 2, 3], but must be one integer or a" + " list of 2");
        assertThatThrownBy(() -> create("Conv2d", "in_channels", 1, "out_channels", 1, "kernel_size", 0))
                .hasMessageContaining("'kernel_size' of node 'a' (Conv2d) is 0, but must be at least 1");
        assertThatThrownBy(() ->
                        create("Conv2d", "in_channels", 1, "out_channels", 1, "kernel_size", 1, "padding", "sane"))
                .hasMessageContaining("is 'sane', but must be 'same', 'valid', one integer or a list of 2");
        assertThatThrownBy(() -> create("Conv1d", "in_channels", 1, "out_channels", 1, "kernel_size", 1, "padding", -1))
                .hasMessageContaining("is -1, but must be at least 0");
        assertThatThrownBy(() -> create(
                        "ConvTranspose1d", "in_channels", 1, "out_channels", 1, "kernel_size", 1, "padding", "same"))
                .hasMessageContaining("is 'same', but must be one integer");
        assertThatThrownBy(() -> create(
                        "Conv1d",
                        "in_channels",
                        1,
                        "out_channels",
                        1,
                        "kernel_size",
                        1,
                        "padding",
                        1,
                        "padding_mode",
                        "reflect"))
                .hasMessage("[InvalidArgument] Argument 'padding_mode' of node 'a' (Conv1d) is 'reflect', but must be"
                        + " 'zeros', because other modes are not supported. Pad the data beforehand and set padding to"
                        + " 0, or use 'zeros'.");
    }
}
