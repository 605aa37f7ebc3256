// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What convolutions and transposed ones have in common before they are evaluated. */
final class Convolving {

    static final String WEIGHT = "weight";
    static final String BIAS = "bias";

    private Convolving() {}

    /** A window of stride and dilation 1 without padding. */
    static Window window(int axes, long... kernel) {
        return new Window(
                Spatial.each(axes, kernel), Spatial.each(axes, 1), Spatial.each(axes, 0), Spatial.each(axes, 1));
    }

    static Window withStride(Window window, long... stride) {
        return new Window(window.kernel(), Spatial.each(window.axes(), stride), window.padding(), window.dilation());
    }

    static Window withPadding(Window window, List<Long> padding) {
        return new Window(window.kernel(), window.stride(), padding, window.dilation());
    }

    static Window withDilation(Window window, long... dilation) {
        return new Window(window.kernel(), window.stride(), window.padding(), Spatial.each(window.axes(), dilation));
    }

    static void checkGroups(String type, long groups, long inChannels, long outChannels) {
        ModuleChecks.positive(type, "groups", groups);
        if (inChannels % groups != 0 || outChannels % groups != 0) {
            throw ModuleChecks.invalid(
                    type,
                    "groups",
                    groups,
                    "a divisor of in_channels = %d and out_channels = %d".formatted(inChannels, outChannels));
        }
    }

    /** PyTorch counts the fan in of both kinds as the elements of a weight behind its first axis. */
    static ModuleDeclaration declare(
            Shape output, Shape weight, KroneckerSizes factors, long outChannels, boolean bias) {
        Initializer initializer = Initializer.fanIn(weight.elements(1, weight.rank()));
        ModuleDeclaration declaration = ModuleDeclaration.output(output)
                .retainInputs()
                .shareJacobian()
                .parameter(ParameterSpec.parameter(WEIGHT, weight, initializer).withKronecker(factors));
        return bias
                ? declaration.parameter(ParameterSpec.parameter(BIAS, Shape.of(outChannels), initializer))
                : declaration;
    }

    /** The arguments that convolutions and transposed ones share, by their names in a model file. */
    static Map<String, @Nullable Object> arguments(
            long inChannels, long outChannels, Window window, long groups, boolean bias) {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put("in_channels", inChannels);
        arguments.put("out_channels", outChannels);
        arguments.putAll(WindowArguments.of(window));
        arguments.put("groups", groups);
        arguments.put("bias", bias);
        return arguments;
    }
}
