// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.backend.Window;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads pooling. */
final class PoolArguments {

    private static final String OUTPUT_SIZE = "output_size";

    private PoolArguments() {}

    static MaxPool maxPool(Arguments arguments, int axes) {
        List<Long> dilation = WindowArguments.atLeast(arguments, "dilation", axes, 1, 1);
        return new MaxPool(window(arguments, axes, dilation), arguments.flag("ceil_mode", false));
    }

    /** PyTorch's has a divisor_override for two and three axes only. */
    static AvgPool avgPool(Arguments arguments, int axes) {
        boolean overridden = axes > 1 && arguments.has("divisor_override");
        return new AvgPool(
                window(arguments, axes, Spatial.each(axes, 1)),
                arguments.flag("ceil_mode", false),
                arguments.flag("count_include_pad", true),
                overridden ? arguments.integer("divisor_override") : null);
    }

    private static Window window(Arguments arguments, int axes, List<Long> dilation) {
        List<Long> kernel = WindowArguments.required(arguments, "kernel_size", axes);
        List<Long> stride = arguments.has("stride") ? WindowArguments.required(arguments, "stride", axes) : kernel;
        return new Window(kernel, stride, WindowArguments.atLeast(arguments, "padding", axes, 0, 0), dilation);
    }

    /** One integer, or one per axis, of which some may be null. */
    static List<@Nullable Long> outputSize(Arguments arguments, int axes) {
        if (!(arguments.value(OUTPUT_SIZE) instanceof List<?> list)) {
            return new ArrayList<>(WindowArguments.required(arguments, OUTPUT_SIZE, axes));
        }
        List<@Nullable Long> sizes = new ArrayList<>();
        for (Object size : list) {
            boolean fits = size == null
                    || (size instanceof Number number
                            && number.doubleValue() == number.longValue()
                            && number.longValue() > 0);
            if (!fits) {
                throw wrongSize(arguments, axes, list);
            }
            sizes.add(size instanceof Number number ? (Long) number.longValue() : null);
        }
        if (sizes.size() != axes) {
            throw wrongSize(arguments, axes, list);
        }
        return sizes;
    }

    private static RuntimeException wrongSize(Arguments arguments, int axes, List<?> value) {
        return arguments.wrong(
                OUTPUT_SIZE, "one positive integer or a list of %d, with null to keep a size".formatted(axes), value);
    }
}
