// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.internal.pass.FiniteCheck;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Looks at parts of results before they are taken, and remembers what failed: the node at which a pass was then is not
 * to blame.
 */
final class CheckedTaker implements ResultTaker {

    private final ResultTaker taker;
    private final FiniteCheck finiteCheck;
    private final BiConsumer<String, ResultType> typeCheck;
    private @Nullable RuntimeException failure;

    CheckedTaker(ResultTaker taker, FiniteCheck finiteCheck, BiConsumer<String, ResultType> typeCheck) {
        this.taker = taker;
        this.finiteCheck = finiteCheck;
        this.typeCheck = typeCheck;
    }

    @Override
    public void take(String name, Shape whole, long[] origin, Tensor part) {
        try {
            finiteCheck.requirePart(name, part);
            typeCheck.accept(name, new ResultType(part.dtype(), whole));
            give(name, whole, origin, part);
        } catch (BackpackException | FiniteCheck.FoundInPart e) {
            failure = e;
            throw e;
        }
    }

    private void give(String name, Shape whole, long[] origin, Tensor part) {
        try {
            taker.take(name, whole, origin, part);
        } catch (BackpackException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new BackpackException(
                    KernelProblems.TAKER_FAILURE,
                    "The pass was ended by the taker of its results %s, which threw %s at '%s'."
                            .formatted(taker, e, name),
                    e);
        }
    }

    /** Chooses the failure of the taker, or else what the pass threw. */
    RuntimeException causeOf(RuntimeException thrown) {
        RuntimeException first = failure;
        return first == null ? thrown : first;
    }
}
