// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.calls;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Calls into plugins: what goes wrong there is reported with the name of who did it and its jar, and what comes back is
 * checked.
 */
public final class PluginCalls {

    private PluginCalls() {}

    /**
     * Runs a call; problems get the part's name in front, anything else becomes a problem, as does a call that returns
     * nothing.
     */
    public static <T> T call(Part part, String what, Supplier<@Nullable T> call) {
        return call(part, () -> what, call);
    }

    /** The same with words that are joined when somebody wants them. */
    public static <T> T call(Part part, Supplier<String> what, Supplier<@Nullable T> call) {
        T result;
        try {
            result = call.get();
        } catch (BackpackException e) {
            throw named(part, e);
        } catch (OutOfMemoryError e) {
            throw new BackpackException(
                    CommonProblems.OUT_OF_MEMORY,
                    "%s found no memory %s: %s. Use a smaller batch, ask for less at once, or give the JVM more."
                            .formatted(capitalised(part), what.get(), e.getMessage()),
                    e);
        } catch (RuntimeException | LinkageError | AssertionError | StackOverflowError e) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "%s failed %s: %s"
                            .formatted(capitalised(part), what.get(), MissingClass.describe(e, part.location())),
                    e);
        }
        if (result == null) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "%s returned nothing %s. This is an error of the plugin that provides it, %s."
                            .formatted(capitalised(part), what.get(), part.location()));
        }
        return result;
    }

    /** Runs a check: the problems that it reports are about something else, and stay as they are. */
    public static void check(Part part, String what, Runnable check) {
        List<BackpackException> reported = new ArrayList<>();
        call(part, what, () -> {
            try {
                check.run();
            } catch (BackpackException e) {
                reported.add(e);
            }
            return reported;
        });
        if (!reported.isEmpty()) {
            throw reported.get(0);
        }
    }

    /** Checks what a plugin returned. */
    public static Tensor check(Part part, String what, @Nullable Tensor returned, Shape shape, DType dtype) {
        Tensor tensor = requireOpen(part, what, returned);
        if (!tensor.shape().equals(shape) || tensor.dtype() != dtype) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
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

    /** Checks that a plugin returned a tensor that can be used. */
    public static Tensor requireOpen(Part part, String what, @Nullable Tensor tensor) {
        if (tensor == null) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "%s returned nothing as %s. This is an error of the plugin that provides it, %s."
                            .formatted(capitalised(part), what, part.location()));
        }
        if (tensor.isClosed()) {
            throw new BackpackException(
                    KernelProblems.PLUGIN_FAILURE,
                    "%s returned a closed tensor as %s. This is an error of the plugin that provides it, %s."
                            .formatted(capitalised(part), what, part.location()));
        }
        return tensor;
    }

    private static BackpackException named(Part part, BackpackException failure) {
        List<Problem> problems = failure.problems().stream()
                .map(problem -> new Problem(problem.id(), capitalised(part) + ": " + problem.message()))
                .toList();
        return problems.size() > 1
                ? new BackpackException(problems)
                : new BackpackException(problems.get(0).id(), problems.get(0).message(), failure);
    }

    private static String capitalised(Part part) {
        String text = part.who();
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }
}
