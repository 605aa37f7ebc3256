// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Moving averages of parameters, as {@code torch.optim.swa_utils.get_ema_multi_avg_fn}; nothing if nobody wants them.
 */
final class Averages implements AutoCloseable {

    private final Elementwise elementwise;
    private final Model model;
    private final OptionalDouble decay;
    private final TensorScope scope;
    private final Map<String, Tensor> means = new LinkedHashMap<>();
    private final Map<String, Tensor> kept = new LinkedHashMap<>();
    private boolean started;
    private boolean swapped;

    Averages(Backend backend, Model model, List<String> parameters, OptionalDouble decay) {
        this.elementwise = backend.elementwise();
        this.model = model;
        this.decay = decay;
        if (decay.isPresent() && !(decay.getAsDouble() >= 0 && decay.getAsDouble() < 1)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "The decay of averaged weights is %s, but must be from 0 to below 1."
                            .formatted(decay.getAsDouble()));
        }
        scope = backend.openScope();
        if (decay.isPresent()) {
            for (String parameter : parameters) {
                Tensor tensor = model.parameters().get(parameter);
                means.put(parameter, scope.allocate(tensor.shape(), tensor.dtype()));
                kept.put(parameter, scope.allocate(tensor.shape(), tensor.dtype()));
            }
        }
    }

    /** Takes the parameters in. */
    void add() {
        means.forEach((parameter, mean) -> {
            Tensor now = model.parameters().get(parameter);
            if (started) {
                elementwise.addScaled(1 - decay.getAsDouble(), now, decay.getAsDouble(), mean);
            } else {
                elementwise.copy(now, mean);
            }
        });
        started = true;
    }

    /** Gives the model the averages. */
    void swapIn() {
        if (started && !swapped) {
            kept.forEach((parameter, own) -> elementwise.copy(model.parameters().get(parameter), own));
            means.forEach((parameter, mean) ->
                    elementwise.copy(mean, model.parameters().get(parameter)));
            swapped = true;
        }
    }

    /** Gives the model its parameters back. */
    void swapOut() {
        if (swapped) {
            kept.forEach(
                    (parameter, own) -> elementwise.copy(own, model.parameters().get(parameter)));
            swapped = false;
        }
    }

    void save(State state) {
        state.put("started", started ? 1L : 0L);
        if (started) {
            means.forEach(state::put);
        }
    }

    void load(State state) {
        started = state.integer("started") == 1;
        if (started) {
            means.forEach(state::read);
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
