// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import java.util.ArrayList;
import java.util.List;

/**
 * What a step's pass computes for a cockpit, beside the gradient. Valid until the step is tracked.
 *
 * @param requests extensions; empty if nothing is due
 * @param operands what the run brings for them
 * @param seed of the pass
 */
public record StepRequest(List<Request<?>> requests, RunOperands operands, long seed) {

    public StepRequest {
        requests = List.copyOf(requests);
    }

    /**
     * Options of a pass that lets numbers that are not finite through if something is tracked: the line is written
     * then, and the loop decides.
     */
    public PassOptions options(PassOptions own) {
        return requests.isEmpty() ? own : own.nan(NanPolicy.IGNORE);
    }

    /** Runs the pass, with requests of the loop's own. */
    public Results run(BackPack backpack, Model model, Batch batch, Request<?>... own) {
        List<Request<?>> all = new ArrayList<>(requests);
        all.addAll(List.of(own));
        return backpack.plan(model, batch, all, options(PassOptions.DEFAULT))
                .run(batch, RunOptions.seed(seed).operands(operands));
    }
}
