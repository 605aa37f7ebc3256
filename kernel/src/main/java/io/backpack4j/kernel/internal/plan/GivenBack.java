// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.internal.layout.OperandLayout;
import io.backpack4j.kernel.internal.pass.PassResults;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import org.jspecify.annotations.Nullable;

/** Results whose memory a run is to take. Says in words what keeps it from that. */
record GivenBack(PassResults results) {

    GivenBack(Results results) {
        this(own(results));
    }

    private static PassResults own(Results results) {
        if (results instanceof PassResults own) {
            return own;
        }
        throw wrong(
                "are a %s, not results of a pass".formatted(results.getClass().getName()));
    }

    void requireOpen() {
        if (results.isClosed()) {
            throw new BackpackException(
                    KernelProblems.CLOSED,
                    "The results that were given back to a run are closed: their memory is free already. Give results back once, or give none.");
        }
    }

    void requireOn(Backend backend) {
        if (results.backend() != backend) {
            throw wrong("lie on another instance of a backend, '%s', than the plan's, '%s'"
                    .formatted(results.backend().id(), backend.id()));
        }
    }

    /** Fails if an operand of the run would be lost. */
    void requireNoneOf(RunOperands operands) {
        operands.tensors()
                .forEach((operand, own) ->
                        own.forEach((parameter, tensor) -> results.tensors().forEach((name, result) -> {
                            if (result == tensor) {
                                throw wrong("hold '%s', which is the run's operand '%s' of %s"
                                        .formatted(name, operand, OperandLayout.described(parameter)));
                            }
                        })));
    }

    BackpackException differs(String name, ResultType type, @Nullable ResultType planned) {
        return wrong(
                planned == null
                        ? "hold '%s', which the plan does not make".formatted(name)
                        : "hold '%s' with shape %s and type %s, but the plan makes shape %s and type %s"
                                .formatted(name, type.shape(), type.dtype(), planned.shape(), planned.dtype()));
    }

    BackpackException lacks(String name) {
        return wrong("lack '%s', which the plan makes".formatted(name));
    }

    private static BackpackException wrong(String what) {
        return new BackpackException(
                KernelProblems.WRONG_RESULTS,
                "The results that were given back to a run %s. Give back results of the same plan, or close them and give none."
                        .formatted(what));
    }
}
