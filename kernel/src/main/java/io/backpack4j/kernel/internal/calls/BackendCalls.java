// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.calls;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import java.util.function.Supplier;

/**
 * Work with a backend: what goes wrong outside of modules, losses and extensions is reported with the backend's name.
 */
public final class BackendCalls {

    private BackendCalls() {}

    /**
     * Runs work.
     *
     * @param what it, beginning a sentence, such as {@code The pass}
     */
    public static <T> T call(Backend backend, String what, Supplier<T> work) {
        try {
            return work.get();
        } catch (BackpackException e) {
            throw e;
        } catch (OutOfMemoryError e) {
            throw new BackpackException(
                    CommonProblems.OUT_OF_MEMORY, "%s found no memory: %s.".formatted(what, e.getMessage()), e);
        } catch (RuntimeException | LinkageError | AssertionError | StackOverflowError e) {
            throw new BackpackException(
                    KernelProblems.PASS_FAILURE,
                    "%s failed outside of modules, losses and extensions, with backend '%s': %s. This is an error of the backend or of this library."
                            .formatted(what, backend.id(), e),
                    e);
        }
    }

    /** Runs work that returns nothing. */
    public static void run(Backend backend, String what, Runnable work) {
        call(backend, what, () -> {
            work.run();
            return what;
        });
    }
}
