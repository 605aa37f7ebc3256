// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import io.backpack4j.kernel.Results;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.OptimizerSetup;
import io.backpack4j.training.State;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/**
 * Moving averages of the blocks of all parameters, and the inverses that were last made of them. Each average is Σ_k
 * ema^k B_k / Σ_k ema^k, k counting back from the last batch, so that the first ones have no bias.
 */
final class BlockAverages implements AutoCloseable {

    private static final String WEIGHT = "weight";
    private static final String AVERAGES = "average";
    private static final String INVERSES = "inverse";
    private static final String NAMES = "names";
    private static final String SEPARATOR = ",";

    private final OptimizerSetup setup;
    private final CurvatureSource<?> source;
    private final double ema;
    private final TensorScope scope;
    private final Map<String, CurvatureBlock> averages = new LinkedHashMap<>();
    private final Map<String, CurvatureBlock> inverses = new LinkedHashMap<>();
    private TensorScope inverseScope;
    private double weight;

    BlockAverages(OptimizerSetup setup, CurvatureSource<?> source, double ema) {
        this.setup = setup;
        this.source = source;
        this.ema = ema;
        this.scope = setup.backend().openScope();
        this.inverseScope = setup.backend().openScope();
    }

    /** Takes the blocks of a batch in. */
    void add(Results results) {
        double kept = ema * weight;
        weight = kept + 1;
        for (String parameter : setup.parameters()) {
            CurvatureBlock now = source.block(results, parameter);
            CurvatureBlock average = averages.get(parameter);
            if (average == null) {
                averages.put(parameter, now.copy(scope));
            } else {
                average.average(kept / weight, now);
            }
        }
    }

    /** Makes inverses of the averages. */
    void invert(ToDoubleFunction<String> damping) {
        // The old ones return their memory first: it is what the new ones take.
        renewInverseScope();
        averages.forEach((parameter, average) -> inverses.put(
                parameter,
                source.at(parameter, () -> average.dampedInverse(inverseScope, damping.applyAsDouble(parameter)))));
    }

    /** The last inverse, times a vector {@code [1, *p]}. */
    Tensor solve(TensorScope target, String parameter, Tensor vector) {
        return Objects.requireNonNull(inverses.get(parameter), parameter).multiply(target, vector);
    }

    void save(State state) {
        state.put(WEIGHT, weight);
        averages.forEach((parameter, block) -> save(state.at(AVERAGES).at(parameter), block));
        inverses.forEach((parameter, block) -> save(state.at(INVERSES).at(parameter), block));
    }

    void load(State state) {
        weight = state.number(WEIGHT);
        averages.clear();
        renewInverseScope();
        for (String parameter : setup.parameters()) {
            load(state.at(AVERAGES).at(parameter), parameter, scope, averages);
            load(state.at(INVERSES).at(parameter), parameter, inverseScope, inverses);
        }
    }

    private static void save(State state, CurvatureBlock block) {
        state.put(NAMES, String.join(SEPARATOR, block.tensors().keySet()));
        block.tensors().forEach((name, tensor) -> state.put("tensor" + name, tensor));
    }

    private void load(State state, String parameter, TensorScope target, Map<String, CurvatureBlock> blocks) {
        if (!state.has(NAMES)) {
            return;
        }
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (String name : state.text(NAMES).split(SEPARATOR, -1)) {
            String saved = "tensor" + name;
            Tensor tensor = target.allocate(state.shape(saved), setup.model().dtype());
            state.read(saved, tensor);
            tensors.put(name, tensor);
        }
        blocks.put(parameter, source.block(parameter, tensors));
    }

    private void renewInverseScope() {
        inverses.clear();
        inverseScope.close();
        inverseScope = setup.backend().openScope();
    }

    @Override
    public void close() {
        inverseScope.close();
        scope.close();
    }
}
