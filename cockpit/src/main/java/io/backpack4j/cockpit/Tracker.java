// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.quantity.Measurement;
import io.backpack4j.cockpit.quantity.SingleStepQuantity;
import io.backpack4j.cockpit.quantity.TwoStepQuantity;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Patterns;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Keeps the state of a cockpit from call to call. */
final class Tracker implements AutoCloseable {

    private static final String REFERENCE = "reference/";

    private final BackPack backpack;
    private final Model model;
    private final List<TrackedQuantity> tracked;
    private final List<String> trainable;
    private final RandomKey seeds;
    private final Clock clock;
    private final Optional<Path> folder;
    private final Loss meanLoss;
    private final TensorScope scope;
    private final ParameterCopies reference;
    private final Updates updates;
    private final DueSets dueSets = new DueSets();
    private final Map<Extension<?>, String> names = new HashMap<>();
    private Map<String, String> unavailable = Map.of();
    private @Nullable Step current;
    private long last = -1;
    private boolean restored;

    /**
     * A step that was asked for and is not over.
     *
     * @param observation what was seen, once it was tracked
     */
    private record Step(
            long number,
            Batch batch,
            PlannedUpdate update,
            StepRequest request,
            TensorScope scope,
            @Nullable StepObservation observation) {}

    Tracker(
            BackPack backpack,
            Model model,
            List<TrackedQuantity> tracked,
            long seed,
            Clock clock,
            Optional<Path> folder) {
        this.backpack = backpack;
        this.model = model;
        this.tracked = tracked;
        this.trainable = model.parameters().trainable();
        this.seeds = new RandomKey(seed, 0, 0).stream("cockpit");
        this.clock = clock;
        this.folder = folder;
        this.meanLoss = MeanScale.meanLoss(backpack, model.loss());
        requireParameters(trainable, tracked);
        this.scope = backpack.backend().openScope();
        boolean needsReference = tracked.stream()
                .anyMatch(each -> each.quantity() instanceof SingleStepQuantity own && own.needsReference());
        this.reference = new ParameterCopies(backpack.backend(), model, scope, needsReference ? trainable : List.of());
        this.updates = new Updates(backpack, model, scope, trainable, tracked);
    }

    static void requireParameters(List<String> trainable, List<TrackedQuantity> tracked) {
        for (TrackedQuantity each : tracked) {
            for (String pattern : each.patterns()) {
                if (trainable.stream().noneMatch(name -> Patterns.matches(pattern, name))) {
                    throw new BackpackException(
                            CommonProblems.UNKNOWN_PARAMETER,
                            "Quantity %s is for parameters '%s', but no trained one is so named. There are: %s."
                                    .formatted(each.label(), pattern, String.join(", ", trainable)));
                }
            }
        }
    }

    /**
     * Finds out what the network can give, and takes the parameters of the first step; returns the reasons why
     * something cannot be had.
     */
    Map<String, String> start(Batch batch) {
        if (!restored) {
            reference.take();
        }
        unavailable = new Availability(backpack, model, batch, this::everExtensions).reasons(tracked);
        return unavailable;
    }

    /** Adds everything that is kept from step to step. */
    void save(CockpitState state) {
        reference.save(REFERENCE, state);
        for (TrackedQuantity each : tracked) {
            if (each.quantity() instanceof SingleStepQuantity quantity) {
                state.putQuantity(each.label(), quantity.state());
            }
        }
        updates.save(state);
    }

    /** Takes over what {@link #save} added, before the first step. */
    void restore(CockpitState state) {
        reference.restore(REFERENCE, state);
        restored = true;
        for (TrackedQuantity each : tracked) {
            if (each.quantity() instanceof SingleStepQuantity quantity) {
                quantity.restore(state.quantity(each.label()));
            }
        }
        updates.restore(state);
    }

    Map<String, String> unavailable() {
        return unavailable;
    }

    StepRequest request(long step, Batch batch, PlannedUpdate update) {
        if (step <= last) {
            throw outOfOrder("asked for step %d, but step %d was asked for before".formatted(step, last));
        }
        abandon();
        last = step;
        Map<Extension<?>, Set<String>> wanted = new LinkedHashMap<>();
        for (TrackedQuantity each : available()) {
            if (each.quantity() instanceof SingleStepQuantity quantity) {
                for (Extension<?> extension :
                        quantity.extensions(step, each.schedule().isDue(step))) {
                    add(wanted, extension, each.patterns());
                }
            }
        }
        updates.addExtensions(step, update, wanted);
        Map<Extension<?>, Set<String>> chosen = dueSets.choose(batch.samples(), wanted, everything());
        TensorScope own = backpack.backend().openScope();
        List<Request<?>> requests = new ArrayList<>();
        chosen.forEach((extension, patterns) -> requests.add(request(extension, patterns)));
        StepRequest request =
                new StepRequest(requests, operands(own, batch, update, chosen), CounterRandom.bits(seeds, step, 0));
        current = new Step(step, batch, update, request, own, null);
        return request;
    }

    private Request<?> request(Extension<?> extension, Set<String> patterns) {
        String name = names.computeIfAbsent(extension, key -> "cockpit." + names.size());
        return Request.of(extension).as(name).only(patterns.toArray(String[]::new));
    }

    private List<TrackedQuantity> available() {
        return tracked.stream()
                .filter(each -> !unavailable.containsKey(each.label()))
                .toList();
    }

    /** What may be asked for of a quantity at some step. */
    private Set<Extension<?>> everExtensions(TrackedQuantity each) {
        Set<Extension<?>> all = new LinkedHashSet<>();
        if (each.quantity() instanceof SingleStepQuantity quantity) {
            all.addAll(quantity.extensions(0, true));
        } else if (each.quantity() instanceof TwoStepQuantity quantity && quantity.needsProjections()) {
            all.add(Projection.ON_UPDATE);
        }
        return all;
    }

    private Map<Extension<?>, Set<String>> everything() {
        Map<Extension<?>, Set<String>> all = new LinkedHashMap<>();
        for (TrackedQuantity each : available()) {
            everExtensions(each).forEach(extension -> add(all, extension, each.patterns()));
        }
        return all;
    }

    private static void add(Map<Extension<?>, Set<String>> set, Extension<?> extension, List<String> patterns) {
        set.computeIfAbsent(extension, key -> new LinkedHashSet<>()).addAll(patterns);
    }

    private RunOperands operands(
            TensorScope own, Batch batch, PlannedUpdate update, Map<Extension<?>, Set<String>> chosen) {
        RunOperands operands = RunOperands.NONE;
        // Gradients without factor are those of a mean but for what a mean divides by beside the number of samples.
        double scale =
                MeanScale.of(model.loss(), meanLoss, outputShape(batch), batch).ofLosses();
        for (TrackedQuantity each : available()) {
            if (each.quantity() instanceof SingleStepQuantity quantity) {
                for (var operand : quantity.operands(scale).entrySet()) {
                    if (chosen.keySet().stream()
                            .anyMatch(extension -> extension.networkOperands().containsKey(operand.getKey()))) {
                        Tensor tensor = backpack.backend()
                                .upload(
                                        own,
                                        operand.getValue().shape(),
                                        model.dtype(),
                                        operand.getValue().values());
                        operands = operands.with(operand.getKey(), tensor);
                    }
                }
            }
        }
        for (Projection projection : List.of(Projection.ON_UPDATE, Projection.ON_REST)) {
            for (String parameter : trainable) {
                if (chosen.getOrDefault(projection, Set.of()).stream()
                        .anyMatch(pattern -> Patterns.matches(pattern, parameter))) {
                    Tensor vector = projection.equals(Projection.ON_UPDATE)
                            ? updates.change(own, parameter)
                            : rest(own, update, parameter);
                    operands = operands.with(projection.operand(), parameter, vector);
                }
            }
        }
        return operands;
    }

    private Tensor rest(TensorScope own, PlannedUpdate update, String parameter) {
        Optional<Tensor> rest = update.rest(parameter);
        if (rest.isPresent()) {
            return own.view(rest.get(), rest.get().shape().prepend(1));
        }
        Tensor like = model.parameters().get(parameter);
        Tensor zeros = own.allocate(like.shape().prepend(1), like.dtype());
        backpack.backend().elementwise().fill(zeros, 0);
        return zeros;
    }

    private Shape outputShape(Batch batch) {
        return model.outputShape().prepend(batch.samples());
    }

    /** Says with which seed the pass ran, if not with the one that was asked for. */
    void seed(long step, long seed) {
        Step asked = requireCurrent(step, "track");
        StepRequest request = new StepRequest(asked.request.requests(), asked.request.operands(), seed);
        current = new Step(step, asked.batch, asked.update, request, asked.scope, asked.observation);
    }

    /** Makes the lines of a step. */
    List<LogLine> track(long step, Results results) {
        Step asked = requireCurrent(step, "track");
        if (asked.observation != null) {
            throw outOfOrder("track was called twice for step %d".formatted(step));
        }
        MeanScale scale = MeanScale.of(model.loss(), meanLoss, results.output().shape(), asked.batch);
        StepObservation observation = new StepObservation(
                backpack,
                model,
                asked.batch,
                step,
                asked.request.seed(),
                scale,
                results,
                StepObservation.losses(results, scale),
                reference,
                new HashMap<>(),
                new HashMap<>(),
                asked.update.isPlain() ? asked.update.rate() : OptionalDouble.empty(),
                clock.millis() / 1000.0,
                folder,
                asked.scope);
        List<LogLine> lines = new ArrayList<>();
        Updates.Finished finished = updates.finish(observation);
        if (finished != null) {
            lines.add(line(finished));
        }
        LogLine own = line(observation);
        if (!own.isEmpty()) {
            lines.add(own);
        }
        updates.start(observation, asked.update);
        current = new Step(step, asked.batch, asked.update, asked.request, asked.scope, observation);
        return lines;
    }

    private LogLine line(Updates.Finished finished) {
        Map<String, Measurement> measured = new LinkedHashMap<>();
        for (TrackedQuantity each : finished.due()) {
            if (each.quantity() instanceof TwoStepQuantity quantity) {
                measured.put(
                        each.label(),
                        unavailable.containsKey(each.label())
                                ? missing(each)
                                : Groups.measure(
                                        each,
                                        trainable,
                                        parameters -> quantity.compute(finished.transition(), parameters)));
            }
        }
        return LogLine.step(finished.transition().step(), measured);
    }

    private LogLine line(StepObservation observation) {
        Map<String, Measurement> measured = new LinkedHashMap<>();
        for (TrackedQuantity each : tracked) {
            if (each.quantity() instanceof SingleStepQuantity quantity) {
                boolean due = each.schedule().isDue(observation.step());
                boolean missing = unavailable.containsKey(each.label());
                if (due) {
                    measured.put(
                            each.label(),
                            missing ? missing(each) : Groups.measure(each, quantity, trainable, observation));
                }
                if (!missing) {
                    quantity.keep(observation, each.parameters(trainable));
                }
            }
        }
        return LogLine.step(observation.step(), measured);
    }

    private Measurement missing(TrackedQuantity each) {
        return Measurement.missing(String.valueOf(unavailable.get(each.label())));
    }

    void stepped(long step) {
        Step asked = requireCurrent(step, "stepped");
        StepObservation observation = asked.observation;
        if (observation == null) {
            throw outOfOrder("stepped was called for step %d before track".formatted(step));
        }
        updates.stepped(observation, asked.update, asked.request.seed());
        abandon();
    }

    /** Refuses to speak of steps that are still to come. */
    void requireNotBefore(long step) {
        if (step > last) {
            throw outOfOrder("log was called for step %d, but the last step was %d".formatted(step, last));
        }
    }

    private void abandon() {
        Step open = current;
        if (open != null) {
            open.scope.close();
            current = null;
        }
    }

    private Step requireCurrent(long step, String method) {
        Step open = current;
        if (open == null || open.number != step) {
            throw outOfOrder(
                    "%s was called for step %d, which is not the one that was asked for last".formatted(method, step));
        }
        return open;
    }

    private static BackpackException outOfOrder(String what) {
        return new BackpackException(
                CockpitProblems.COCKPIT_OUT_OF_ORDER,
                "A cockpit %s. Call request, track and stepped once for every step, in this order.".formatted(what));
    }

    @Override
    public void close() {
        abandon();
        scope.close();
    }
}
