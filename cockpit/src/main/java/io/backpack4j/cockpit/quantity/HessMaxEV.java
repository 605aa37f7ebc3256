// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.operators.HessianOperator;
import io.backpack4j.operators.Lanczos;
import io.backpack4j.operators.Objective;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * An extreme eigenvalue of the Hessian, by the method of Lanczos. The search starts at the eigenvector of the step
 * before, mixed with a drawn vector, since an eigenvector alone would never find another.
 */
final class HessMaxEV implements SingleStepQuantity {

    /** How many vectors are made before anybody looks: from the vector of the step before, few are enough. */
    private static final int DIMENSION = 8;

    private final Lanczos lanczos;
    private final Map<List<String>, double[]> vectors = new HashMap<>();

    HessMaxEV(Arguments options) {
        String which = options.word("which", "largest", "largest", "largest_magnitude", "smallest");
        this.lanczos = Lanczos.of(Lanczos.Which.valueOf(which.toUpperCase(Locale.ROOT)), 1)
                .dimension(DIMENSION)
                .tolerance(Options.atLeastZero(options, "tolerance", 1e-3))
                .maxProducts(Options.count(options, "max_products", 100, 1_000_000))
                .seed(options.integer("seed", 0));
    }

    @Override
    public void check(BackPack backpack, Model model, Batch batch) {
        checkHessian(backpack, model, batch);
    }

    static void checkHessian(BackPack backpack, Model model, Batch batch) {
        backpack.linearize(
                        model,
                        batch,
                        List.of(new CurvatureMatrix.Hessian()),
                        PassOptions.DEFAULT.nan(NanPolicy.IGNORE).updateBuffers(false),
                        0)
                .close();
    }

    @Override
    public Map<String, double[]> state() {
        Map<String, double[]> state = new HashMap<>();
        vectors.forEach((parameters, vector) -> state.put(String.join(",", parameters), vector));
        return state;
    }

    @Override
    public void restore(Map<String, double[]> state) {
        state.forEach((parameters, vector) -> vectors.put(List.of(parameters.split(",")), vector));
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        try (HessianOperator hessian = hessian(step, parameters);
                TensorScope scope = step.backend().openScope()) {
            Lanczos.Eigenpairs pairs =
                    lanczos.seed(lanczos.seed() + step.step()).run(scope, hessian, vectors.get(parameters));
            Lanczos.Eigenvalue found = pairs.values().get(0);
            vectors.put(parameters, pairs.vectors().toDoubleArray());
            double factor = step.batchFactor();
            return new Measurement(
                    Value.of(found.value() * factor),
                    Map.of(
                            "converged",
                            found.converged(),
                            "residual",
                            found.residualNorm() * Math.abs(factor),
                            "products",
                            pairs.iterations()));
        } catch (BackpackException e) {
            return Measurement.missing(e.problems().get(0).toString());
        }
    }

    static HessianOperator hessian(Observation step, List<String> parameters) {
        return HessianOperator.of(Objective.of(step.backpack(), step.model(), step.batch())
                .only(parameters.toArray(String[]::new))
                .seed(step.seed())
                .options(PassOptions.DEFAULT.nan(NanPolicy.IGNORE).updateBuffers(false)));
    }
}
