// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.quantity.Sums;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Numbers of the shapes of parameters, kept on the backend for as long as a cockpit lives. */
final class ParameterCopies {

    private final Backend backend;
    private final Model model;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    ParameterCopies(Backend backend, Model model, TensorScope scope, List<String> parameters) {
        this.backend = backend;
        this.model = model;
        for (String parameter : parameters) {
            Tensor tensor = model.parameters().get(parameter);
            tensors.put(parameter, scope.allocate(tensor.shape(), tensor.dtype()));
        }
    }

    Tensor get(String parameter) {
        return Objects.requireNonNull(tensors.get(parameter));
    }

    Map<String, Tensor> tensors() {
        return tensors;
    }

    /** Takes the model's numbers. */
    void take() {
        tensors.forEach(
                (name, tensor) -> backend.elementwise().copy(model.parameters().get(name), tensor));
    }

    /** Writes these numbers to the model. */
    void put() {
        tensors.forEach((name, tensor) ->
                backend.elementwise().copy(tensor, model.parameters().get(name)));
    }

    /** Adds the numbers to a state, under a name with the parameter's. */
    void save(String name, CockpitState state) {
        tensors.forEach((parameter, tensor) -> state.put(name + parameter, tensor.toDoubleArray()));
    }

    /** Takes numbers over that {@link #save} added. */
    void restore(String name, CockpitState state) {
        tensors.forEach((parameter, tensor) -> {
            double[] numbers =
                    state.get(name + parameter, Math.toIntExact(tensor.shape().elements()));
            tensor.write(0, numbers, 0, numbers.length);
        });
    }

    /**
     * These = the model's numbers − these; returns ‖·‖² and ⟨·, along⟩ by parameter, in one walk.
     *
     * @param along a tensor of the parameter's shape; null for none
     */
    Map<String, double[]> becomeChange(Function<String, @Nullable Tensor> along) {
        List<Difference> differences = new ArrayList<>();
        tensors.forEach((name, tensor) ->
                differences.add(new Difference(model.parameters().get(name), tensor, tensor, along.apply(name))));
        double[][] sums = Sums.measure(backend, differences);
        Map<String, double[]> measured = new LinkedHashMap<>();
        for (String name : tensors.keySet()) {
            measured.put(name, sums[measured.size()]);
        }
        return measured;
    }

    /** Takes the model's numbers; returns their ‖·‖² by parameter, from the same walk. */
    Map<String, Double> takeAndMeasure() {
        return Sums.squaredDistances(
                backend,
                List.copyOf(tensors.keySet()),
                name -> new Difference(model.parameters().get(name), null, get(name), null));
    }

    /** ‖·‖² by parameter. */
    Map<String, Double> squares() {
        return Sums.squaredDistances(backend, List.copyOf(tensors.keySet()), name -> Difference.ofZero(get(name)));
    }
}
