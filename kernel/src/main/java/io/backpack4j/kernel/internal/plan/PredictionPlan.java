// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.pass.ControlledRun;
import io.backpack4j.kernel.internal.pass.NonFinite;
import io.backpack4j.kernel.internal.pass.NonFiniteSearch;
import io.backpack4j.kernel.internal.pass.PredictionRun;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.MemoryAccount;
import org.jspecify.annotations.Nullable;

/**
 * Plan of predictions for batches of one shape. Serves several threads.
 *
 * @param peakBytes the most memory that a prediction takes at a time, beside the model and the batch
 */
public record PredictionPlan(
        Backend backend, Model model, BoundGraph graph, Splitting splitting, long peakBytes, PassOptions options) {

    /** Predicts. The caller closes what comes back. */
    public Prediction run(Batch batch, RunOptions run) {
        if (run.into().isPresent()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "A prediction takes no memory of results, but RunOptions.into gave some back. Leave it out, and close them.");
        }
        PassInputs inputs = PassInputs.of(batch, model, run.seed());
        try (MemoryAccount account = account()) {
            return BackendCalls.call(
                    backend,
                    "The prediction",
                    () -> checked(predict(inputs.watchedBy(new ControlledRun(run))), inputs));
        }
    }

    /** Opens an account of the prediction's memory, which is counted only if there is a budget. */
    private @Nullable MemoryAccount account() {
        return options.memoryBytes().isPresent()
                ? backend.openAccount(peakBytes, options.memoryBytes().getAsLong())
                        .orElse(null)
                : null;
    }

    private Prediction predict(PassInputs inputs) {
        return PredictionRun.run(graph, model.dtype(), splitting, backend, inputs);
    }

    private Prediction checked(Prediction prediction, PassInputs inputs) {
        boolean done = false;
        try {
            if (options.nanPolicy() != NanPolicy.IGNORE && !backend.reductions().allFinite(prediction.output())) {
                throw notFinite(prediction, inputs);
            }
            done = true;
            return prediction;
        } finally {
            if (!done) {
                prediction.close();
            }
        }
    }

    /** Predicts again to find the node where it begins. */
    private BackpackException notFinite(Prediction prediction, PassInputs inputs) {
        String found = "The output "
                + NonFinite.in(prediction.output(), 0, 0, inputs.sampleIds())
                        .map(NonFinite::described)
                        .orElse("is not finite");
        try {
            predict(inputs.watchedBy(new NonFiniteSearch("", inputs.sampleIds())))
                    .close();
        } catch (NonFiniteSearch.Found first) {
            found = first.what();
        }
        return new BackpackException(
                CommonProblems.NOT_FINITE,
                "%s. The element type is %s; use smaller numbers or FLOAT64, or take such results with NanPolicy.IGNORE."
                        .formatted(found, model.dtype()));
    }
}
