// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Gradient descent and Adam in plain double precision, as PyTorch defines them. */
final class Optimizers {

    private final Map<String, Object> options;
    private final Map<String, double[]> first = new HashMap<>();
    private final Map<String, double[]> second = new HashMap<>();
    private int steps;

    Optimizers(Map<String, Object> options) {
        this.options = options;
    }

    private double option(String name, double otherwise) {
        return options.get(name) instanceof Number number ? number.doubleValue() : otherwise;
    }

    private boolean isDescent() {
        return "SGD".equals(options.get("type"));
    }

    private boolean isNesterov() {
        return Boolean.TRUE.equals(options.get("nesterov"));
    }

    /** What is known before the gradient is. */
    PlannedUpdate planned(Backend backend, TensorScope scope, Model model) {
        if (!isDescent()) {
            return PlannedUpdate.UNKNOWN;
        }
        double rate = option("lr", 0);
        double momentum = option("momentum", 0);
        double decay = option("weight_decay", 0);
        if (momentum == 0 && decay == 0) {
            return PlannedUpdate.descent(rate);
        }
        double ofGradient = isNesterov() ? 1 + momentum : 1;
        Map<String, Tensor> rest = new LinkedHashMap<>();
        for (String name : model.parameters().trainable()) {
            Tensor tensor = model.parameters().get(name);
            double[] numbers = tensor.toDoubleArray();
            double[] buffer = first.getOrDefault(name, new double[numbers.length]);
            for (int i = 0; i < numbers.length; i++) {
                double ofBuffer = isNesterov() ? momentum * momentum : momentum;
                numbers[i] = -rate * (ofGradient * decay * numbers[i] + ofBuffer * buffer[i]);
            }
            rest.put(name, backend.upload(scope, tensor.shape(), tensor.dtype(), numbers));
        }
        return PlannedUpdate.descent(rate * ofGradient, rest);
    }

    void step(Model model, Results results) {
        steps++;
        for (String name : model.parameters().trainable()) {
            double[] numbers = model.parameters().get(name).toDoubleArray();
            double[] gradient = results.gradient(name).toDoubleArray();
            for (int i = 0; i < numbers.length; i++) {
                gradient[i] += option("weight_decay", 0) * numbers[i];
            }
            if (isDescent()) {
                descend(name, numbers, gradient);
            } else {
                adam(name, numbers, gradient);
            }
            model.parameters().get(name).write(0, numbers, 0, numbers.length);
        }
    }

    private void descend(String name, double[] numbers, double[] gradient) {
        double momentum = option("momentum", 0);
        double[] buffer = first.computeIfAbsent(name, key -> new double[numbers.length]);
        for (int i = 0; i < numbers.length; i++) {
            buffer[i] = momentum * buffer[i] + gradient[i];
            double direction = isNesterov() ? gradient[i] + momentum * buffer[i] : buffer[i];
            numbers[i] -= option("lr", 0) * (momentum == 0 ? gradient[i] : direction);
        }
    }

    private void adam(String name, double[] numbers, double[] gradient) {
        double[] mean = first.computeIfAbsent(name, key -> new double[numbers.length]);
        double[] square = second.computeIfAbsent(name, key -> new double[numbers.length]);
        List<?> betas = options.get("betas") instanceof List<?> list ? list : List.of(0.9, 0.999);
        double beta1 = ((Number) betas.get(0)).doubleValue();
        double beta2 = ((Number) betas.get(1)).doubleValue();
        for (int i = 0; i < numbers.length; i++) {
            mean[i] = beta1 * mean[i] + (1 - beta1) * gradient[i];
            square[i] = beta2 * square[i] + (1 - beta2) * gradient[i] * gradient[i];
            double unbiased = mean[i] / (1 - Math.pow(beta1, steps));
            double root = Math.sqrt(square[i] / (1 - Math.pow(beta2, steps)));
            numbers[i] -= option("lr", 1e-3) * unbiased / (root + option("eps", 1e-8));
        }
    }
}
