// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.kernel.Request;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.training.PassPreparation;
import io.backpack4j.training.Training;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingStep;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Logs the norm of what extensions compute, per parameter and step; of several tensors the norm of all. */
final class ResultNorms implements TrainingListener {

    private final List<Request<?>> requests;

    ResultNorms(List<Request<?>> requests) {
        this.requests = List.copyOf(requests);
    }

    @Override
    public void prepare(PassPreparation pass) {
        requests.forEach(pass::request);
    }

    @Override
    public void onTrainingBatch(TrainingStep step) {
        Training training = step.training();
        Map<String, List<Double>> values = new LinkedHashMap<>();
        for (Request<?> request : requests) {
            List<Double> norms = new ArrayList<>();
            for (String parameter : training.parameters()) {
                norms.add(norm(step.results().tensors().tailMap(parameter + "/" + request.name()), parameter, request));
            }
            values.put(request.name(), norms);
        }
        training.log().step(step.number(), values, Map.of());
    }

    private static double norm(Map<String, Tensor> from, String parameter, Request<?> request) {
        String name = parameter + "/" + request.name();
        double squares = 0;
        for (Map.Entry<String, Tensor> entry : from.entrySet()) {
            if (!entry.getKey().equals(name) && !entry.getKey().startsWith(name + "/")) {
                break;
            }
            for (double value : entry.getValue().toDoubleArray()) {
                squares += value * value;
            }
        }
        return Math.sqrt(squares);
    }
}
