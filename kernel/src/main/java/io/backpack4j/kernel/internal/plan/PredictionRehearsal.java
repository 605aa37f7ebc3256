// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.pass.PredictionRun;
import io.backpack4j.kernel.internal.pass.StepCounter;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/** A prediction. */
record PredictionRehearsal(BoundGraph graph, DType dtype) implements Rehearsal {

    @Override
    public Outcome run(
            Backend backend, PassInputs inputs, Splitting splitting, Predicate<String> products, Runnable made) {
        StepCounter counter = new StepCounter(made);
        try (Prediction prediction = PredictionRun.run(graph, dtype, splitting, backend, inputs.watchedBy(counter))) {
            ResultType type = new ResultType(
                    prediction.output().dtype(), prediction.output().shape());
            return new Outcome(
                    new TreeMap<>(Map.of("output", type)),
                    Set.of(),
                    new TreeMap<>(),
                    Optional.empty(),
                    counter.widestColumns(),
                    counter.steps());
        }
    }
}
