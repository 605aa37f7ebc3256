// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.linearization.LinearizedBatch;
import io.backpack4j.kernel.internal.linearization.ModelLinearization;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/** A linearisation with a product of each kind, by all parameters. */
record LinearizationRehearsal(PassLayout layout, Set<CurvatureMatrix> matrices) implements Rehearsal {

    @Override
    public Outcome run(Backend dry, PassInputs inputs, Splitting splitting, Predicate<String> products, Runnable made) {
        long columns = Math.min(LinearizedBatch.MANY_COLUMNS, splitting.blockColumns());
        try (Linearization linearization = new ModelLinearization(layout, splitting, dry, inputs, matrices);
                TensorScope scope = dry.openScope()) {
            Map<String, Tensor> tangents = vectors(scope, linearization, columns);
            Map<String, Tensor> multiplied = vectors(scope, linearization, columns);
            Tensor outputs = scope.allocate(linearization.outputShape().prepend(columns), layout.dtype());
            linearization.pushforward(tangents, outputs);
            linearization.pullback(outputs, multiplied);
            for (CurvatureMatrix matrix : matrices) {
                linearization.multiply(matrix, 2, tangents, multiplied);
            }
        }
        return new Outcome(
                new TreeMap<>(), Set.of(), new TreeMap<>(), Optional.empty(), LinearizedBatch.MANY_COLUMNS, 0);
    }

    private static Map<String, Tensor> vectors(TensorScope scope, Linearization linearization, long columns) {
        Map<String, Tensor> vectors = new LinkedHashMap<>();
        linearization
                .parameters()
                .forEach((name, shape) ->
                        vectors.put(name, scope.allocate(shape.prepend(columns), linearization.dtype())));
        return vectors;
    }
}
