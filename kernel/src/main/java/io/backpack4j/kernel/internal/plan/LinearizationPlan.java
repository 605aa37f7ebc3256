// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.linearization.ModelLinearization;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.Shape;
import java.util.Set;

/** Plan of linearisations at batches of one shape. Serves several threads. */
public record LinearizationPlan(
        Backend backend,
        Model model,
        PassLayout layout,
        Splitting splitting,
        Shape output,
        Set<CurvatureMatrix> matrices) {

    /** Linearises at a batch of the planned shapes. The caller closes what comes back. */
    public Linearization run(Batch batch, long seed) {
        TargetChecks.require(model.loss(), output, batch);
        PassInputs inputs = PassInputs.of(batch, model, seed);
        return BackendCalls.call(
                backend,
                "Linearising the network",
                () -> new ModelLinearization(layout, splitting, backend, inputs, matrices));
    }
}
