package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.function.Supplier;

/** Calls into plugins: what goes wrong there is reported with the name of who did it and its jar, and what comes back is checked. */
public final class PluginCalls {

    private PluginCalls() {}

    /** Runs a call; problems get the part's name in front, anything else becomes a problem. */
    public static <T> T call(Part part, String what, Supplier<T> call) {
        try {
            return call.get();
        } catch (BackpackException e) {
            throw new BackpackException(e.problems().stream()
                    .map(problem -> new Problem(problem.id(), capitalised(part) + ": " + problem.message()))
                    .toList());
        } catch (RuntimeException | LinkageError e) {
            throw new BackpackException(
                    "PluginFailure",
                    "%s failed %s: %s. This is an error of the plugin that provides it, %s."
                            .formatted(capitalised(part), what, e, part.location()),
                    e);
        }
    }

    /** Checks what a plugin returned. */
    public static Tensor check(Part part, String what, Tensor tensor, Shape shape, DType dtype) {
        if (tensor.isClosed()) {
            throw new BackpackException(
                    "PluginFailure",
                    "%s returned a closed tensor as %s. This is an error of the plugin that provides it, %s."
                            .formatted(capitalised(part), what, part.location()));
        }
        if (!tensor.shape().equals(shape) || tensor.dtype() != dtype) {
            throw new BackpackException(
                    "PluginFailure",
                    "%s returned %s of shape %s and type %s, but %s and %s were expected. This is an error of the plugin that provides it, %s."
                            .formatted(
                                    capitalised(part),
                                    what,
                                    tensor.shape(),
                                    tensor.dtype(),
                                    shape,
                                    dtype,
                                    part.location()));
        }
        return tensor;
    }

    private static String capitalised(Part part) {
        String text = part.who();
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }
}
