// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.operators.HessianOperator;
import io.backpack4j.operators.Lanczos;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The largest eigenvalues of the Hessian, descending, then the smallest, ascending; residuals and whether they
 * converged stand in the details.
 */
final class Eigenvalues implements SingleStepQuantity {

    private final int count;
    private final double tolerance;
    private final int maxProducts;
    private final long seed;

    Eigenvalues(Arguments options) {
        this.count = Options.count(options, "count", 3, 1000);
        this.tolerance = Options.atLeastZero(options, "tolerance", 1e-3);
        this.maxProducts = Options.count(options, "max_products", 100, 1_000_000);
        this.seed = options.integer("seed", 0);
    }

    @Override
    public void check(BackPack backpack, Model model, Batch batch) {
        HessMaxEV.checkHessian(backpack, model, batch);
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        List<Value> values = new ArrayList<>();
        Map<String, Object> details = new LinkedHashMap<>();
        try (HessianOperator hessian = HessMaxEV.hessian(step, parameters)) {
            for (Lanczos.Which which : List.of(Lanczos.Which.LARGEST, Lanczos.Which.SMALLEST)) {
                search(step, hessian, which, values, details);
            }
        } catch (BackpackException e) {
            return Measurement.missing(e.problems().get(0).toString());
        }
        return new Measurement(new Value.Several(values), details);
    }

    private void search(
            Observation step,
            HessianOperator hessian,
            Lanczos.Which which,
            List<Value> values,
            Map<String, Object> details) {
        double factor = step.batchFactor();
        try (TensorScope scope = step.backend().openScope()) {
            Lanczos.Eigenpairs pairs = Lanczos.of(which, count)
                    .tolerance(tolerance)
                    .maxProducts(maxProducts)
                    .seed(seed)
                    .run(scope, hessian);
            List<Map<String, Object>> found = new ArrayList<>();
            for (Lanczos.Eigenvalue each : pairs.values()) {
                values.add(Value.of(each.value() * factor));
                found.add(Map.of(
                        "value", each.value() * factor,
                        "residual", each.residualNorm() * Math.abs(factor),
                        "converged", each.converged()));
            }
            details.put(which == Lanczos.Which.LARGEST ? "top" : "bottom", found);
        }
    }
}
