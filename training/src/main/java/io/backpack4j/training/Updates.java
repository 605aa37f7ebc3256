// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.Batches;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** An optimiser at work, with what stands around it: groups, their rates, clipping, averages. */
final class Updates implements AutoCloseable {

    private final Trainer trainer;
    private final List<String> parameters;
    private final OptimizerRun optimizer;
    private final List<Schedule.Rates> rates = new ArrayList<>();
    private final Map<String, Integer> rateOf = new LinkedHashMap<>();
    private final Averages averages;

    Updates(Trainer trainer, Batches batches) {
        this.trainer = trainer;
        this.parameters = new ArrayList<>();
        Map<String, Double> decays = new LinkedHashMap<>();
        List<String> trainable = trainer.model.parameters().trainable();
        requireMatches(trainable);
        rates.add(trainer.schedule.start(trainer.optimizer.learningRate()));
        trainer.groups.forEach(group ->
                rates.add(trainer.schedule.start(group.learningRate().orElse(trainer.optimizer.learningRate()))));
        for (String parameter : trainable) {
            int group = groupOf(parameter);
            if (group > 0 && trainer.groups.get(group - 1).frozen()) {
                continue;
            }
            if (group > 0) {
                trainer.groups.get(group - 1).weightDecay().ifPresent(decay -> decays.put(parameter, decay));
            }
            parameters.add(parameter);
            rateOf.put(parameter, group);
        }
        if (parameters.isEmpty()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "All parameters are frozen: there is nothing to train. Trainable are: %s."
                            .formatted(String.join(", ", trainable)));
        }
        optimizer = trainer.optimizer.start(new OptimizerSetup(
                trainer.backpack,
                trainer.model,
                trainer.passOptions.nan(NanPolicy.IGNORE),
                parameters,
                decays,
                Optional.of(batches)));
        averages = new Averages(trainer.backpack.backend(), trainer.model, parameters, trainer.averaging);
    }

    private void requireMatches(List<String> trainable) {
        Problems problems = new Problems();
        for (ParameterGroup group : trainer.groups) {
            for (String pattern : group.parameters()) {
                if (trainable.stream()
                        .noneMatch(name -> ParameterGroup.of(pattern).holds(name))) {
                    problems.add(
                            CommonProblems.UNKNOWN_PARAMETER,
                            "No trained parameter is called '%s'. There are: %s."
                                    .formatted(pattern, String.join(", ", trainable)));
                }
            }
        }
        problems.throwIfAny();
    }

    /** The number of the first group that holds a parameter, from 1 on; 0 for the optimiser's own. */
    private int groupOf(String parameter) {
        for (int i = 0; i < trainer.groups.size(); i++) {
            if (trainer.groups.get(i).holds(parameter)) {
                return i + 1;
            }
        }
        return 0;
    }

    List<String> parameters() {
        return List.copyOf(parameters);
    }

    Averages averages() {
        return averages;
    }

    /** The rate of the optimiser's own group. */
    double learningRate() {
        return rates.get(0).rate();
    }

    Optional<String> stopReason() {
        return optimizer.stopReason();
    }

    Map<String, Double> values() {
        return optimizer.values();
    }

    void prepare(PassPreparation pass) {
        pass.planner(scope -> optimizer.plan(currentRates(), rates.get(0).momentum(), scope));
        optimizer.prepare(pass);
    }

    private Map<String, Double> currentRates() {
        Map<String, Double> current = new LinkedHashMap<>();
        rateOf.forEach(
                (parameter, group) -> current.put(parameter, rates.get(group).rate()));
        return current;
    }

    /** Updates the parameters. */
    void step(TrainingStep step) {
        Results results = step.results();
        Map<String, Double> current = currentRates();
        OptionalDouble momentum = rates.get(0).momentum();
        Backend backend = trainer.backpack.backend();
        try (TensorScope scope = backend.openScope()) {
            Map<String, Tensor> gradients = new LinkedHashMap<>();
            parameters.forEach(parameter -> gradients.put(parameter, results.gradient(parameter)));
            Map<String, Tensor> clipped = trainer.clipping.clip(backend, scope, gradients);
            optimizer.step(
                    new OptimizerStep(step.number(), step.batch(), results, step.seed(), clipped, current, momentum));
        }
        averages.add();
    }

    /** Goes on in the schedule. */
    void advance(Schedule.Every every, double monitored) {
        if (trainer.schedule.every() == every) {
            rates.forEach(group -> group.advance(monitored));
        }
    }

    void save(State state) {
        state.put("optimizer.type", trainer.optimizer.toString());
        optimizer.save(state.at("optimizer"));
        for (int i = 0; i < rates.size(); i++) {
            rates.get(i).save(state.at("schedule").at(String.valueOf(i)));
        }
        averages.save(state.at("average"));
    }

    void load(State state) {
        String saved = state.text("optimizer.type");
        if (!saved.equals(trainer.optimizer.toString())) {
            throw new BackpackException(
                    TrainingProblems.FOREIGN_CHECKPOINT,
                    "The checkpoint was made with %s, but the run has %s. Go on with the same optimiser, or start anew."
                            .formatted(saved, trainer.optimizer));
        }
        optimizer.load(state.at("optimizer"));
        for (int i = 0; i < rates.size(); i++) {
            rates.get(i).load(state.at("schedule").at(String.valueOf(i)));
        }
        averages.load(state.at("average"));
    }

    @Override
    public void close() {
        try (averages) {
            optimizer.close();
        }
    }
}
