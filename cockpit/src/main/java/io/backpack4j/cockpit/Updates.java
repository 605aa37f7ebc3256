// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.quantity.Measured;
import io.backpack4j.cockpit.quantity.Sums;
import io.backpack4j.cockpit.quantity.Transition;
import io.backpack4j.cockpit.quantity.TwoStepQuantity;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Patterns;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Follows updates from step to step, for quantities of two steps. */
final class Updates {

    /**
     * An update is as it was planned if it differs by less than this part of its length, and what rounding of
     * parameters makes of it.
     */
    private static final double AS_PLANNED = 0.01;

    private static final String STATE = "update/";

    private final BackPack backpack;
    private final Backend backend;
    private final Model model;
    private final List<String> trainable;
    private final List<TrackedQuantity> ofTwoSteps;

    /** The parameters at the start of the update, and then the update. */
    private final ParameterCopies change;

    /** The parameters behind the update, while those at its start are measured once more. */
    private final ParameterCopies behind;

    private @Nullable Started pending;

    /**
     * @param projected whether slopes at both ends are wanted
     * @param slopes ⟨g_n, Σ g⟩ and ⟨g_n, rest⟩ by parameter, for updates that are planned, the loss's factor being in
     *     gradients
     * @param squaredLengths of the update by parameter; null until it was made
     */
    private record Started(
            long step,
            List<TrackedQuantity> due,
            boolean projected,
            double loss,
            double[] losses,
            Map<String, double[]> slopes,
            Map<String, Double> squaredNorms,
            @Nullable Map<String, Double> squaredLengths) {}

    Updates(BackPack backpack, Model model, TensorScope scope, List<String> trainable, List<TrackedQuantity> asked) {
        this.backpack = backpack;
        this.backend = backpack.backend();
        this.model = model;
        this.ofTwoSteps = asked.stream()
                .filter(each -> each.quantity() instanceof TwoStepQuantity)
                .toList();
        this.trainable = trainable.stream()
                .filter(name -> ofTwoSteps.stream()
                        .flatMap(each -> each.patterns().stream())
                        .anyMatch(pattern -> Patterns.matches(pattern, name)))
                .toList();
        boolean projected = ofTwoSteps.stream().anyMatch(Updates::isProjected);
        this.change = new ParameterCopies(backend, model, scope, this.trainable);
        this.behind = new ParameterCopies(backend, model, scope, projected ? this.trainable : List.of());
    }

    private static boolean isProjected(TrackedQuantity each) {
        return each.quantity() instanceof TwoStepQuantity quantity && quantity.needsProjections();
    }

    private List<TrackedQuantity> due(long step) {
        return ofTwoSteps.stream().filter(each -> each.schedule().isDue(step)).toList();
    }

    /** Adds what the pass of a step computes, with the patterns of parameters. */
    void addExtensions(long step, PlannedUpdate update, Map<Extension<?>, Set<String>> extensions) {
        if (pending != null && pending.projected && pending.squaredLengths != null) {
            extensions
                    .computeIfAbsent(Projection.ON_UPDATE, key -> new LinkedHashSet<>())
                    .addAll(patterns(pending.due));
        }
        List<TrackedQuantity> due = due(step);
        if (update.rate().isPresent() && due.stream().anyMatch(Updates::isProjected)) {
            extensions
                    .computeIfAbsent(Measured.dotsWithSum(), key -> new LinkedHashSet<>())
                    .addAll(patterns(due));
            if (!update.rest().isEmpty()) {
                extensions
                        .computeIfAbsent(Projection.ON_REST, key -> new LinkedHashSet<>())
                        .addAll(patterns(due));
            }
        }
    }

    private static Set<String> patterns(List<TrackedQuantity> quantities) {
        Set<String> patterns = new LinkedHashSet<>();
        quantities.stream().filter(Updates::isProjected).forEach(each -> patterns.addAll(each.patterns()));
        return patterns;
    }

    /** Adds what is known of the update behind which the run is. */
    void save(CockpitState state) {
        Started started = pending;
        if (started == null || started.squaredLengths == null) {
            return;
        }
        state.put(STATE + "step", started.step, started.loss);
        state.put(STATE + "losses", started.losses);
        change.save(STATE + "change/", state);
        started.slopes.forEach((name, slopes) -> state.put(STATE + "slopes/" + name, slopes));
        started.squaredNorms.forEach((name, square) -> state.put(STATE + "norms/" + name, square));
    }

    /** Takes over what {@link #save} added. */
    void restore(CockpitState state) {
        if (!state.has(STATE + "step")) {
            return;
        }
        double[] stepAndLoss = state.get(STATE + "step", 2);
        long step = (long) stepAndLoss[0];
        List<TrackedQuantity> due = due(step);
        if (due.isEmpty()) {
            return;
        }
        change.restore(STATE + "change/", state);
        Map<String, double[]> slopes = new LinkedHashMap<>();
        Map<String, Double> norms = new LinkedHashMap<>();
        for (String name : trainable) {
            if (state.has(STATE + "norms/" + name)) {
                norms.put(name, state.get(STATE + "norms/" + name, 1)[0]);
            }
            if (state.has(STATE + "slopes/" + name)) {
                slopes.put(name, state.get(STATE + "slopes/" + name));
            }
        }
        pending = new Started(
                step,
                due,
                due.stream().anyMatch(Updates::isProjected),
                stepAndLoss[1],
                state.get(STATE + "losses"),
                slopes,
                norms,
                change.squares());
    }

    /** The update before a pass, as an operand for a parameter. */
    Tensor change(TensorScope scope, String parameter) {
        Tensor tensor = change.get(parameter);
        return scope.view(tensor, tensor.shape().prepend(1));
    }

    /** What ends at a step, behind its pass; null if nothing does. */
    @Nullable
    Finished finish(StepObservation end) {
        Started started = pending;
        pending = null;
        if (started == null || started.squaredLengths == null || started.step != end.step() - 1) {
            return null;
        }
        Map<String, double[]> projections = new LinkedHashMap<>();
        if (started.projected) {
            projections.putAll(scaled(Projection.ON_UPDATE, started.due, end.results(), end.sampleFactor()));
        }
        Transition transition = new Transition(
                started.step,
                new Transition.End(started.loss, started.losses, started.slopes),
                new Transition.End(end.loss(), end.losses(), projections),
                started.squaredLengths,
                started.squaredNorms);
        return new Finished(transition, started.due);
    }

    /**
     * What is known now of a step.
     *
     * @param due the quantities that are wanted of it
     */
    record Finished(Transition transition, List<TrackedQuantity> due) {}

    /** Takes what is needed of the start, behind its pass and before the update. */
    void start(StepObservation step, PlannedUpdate update) {
        List<TrackedQuantity> due = due(step.step());
        if (due.isEmpty()) {
            return;
        }
        boolean projected = due.stream().anyMatch(Updates::isProjected);
        Map<String, double[]> slopes =
                projected && update.rate().isPresent() ? plannedSlopes(step, update, due) : Map.of();
        boolean norms = due.stream()
                .anyMatch(each -> each.quantity() instanceof TwoStepQuantity quantity && quantity.needsNorms());
        Map<String, Double> squaredNorms = Map.of();
        if (norms) {
            squaredNorms = change.takeAndMeasure();
        } else {
            change.take();
        }
        pending = new Started(step.step(), due, projected, step.loss(), step.losses(), slopes, squaredNorms, null);
    }

    /** ⟨g_n, −rate · G + rest⟩. */
    private Map<String, double[]> plannedSlopes(StepObservation step, PlannedUpdate update, List<TrackedQuantity> due) {
        Map<String, double[]> slopes = scaled(
                Measured.dotsWithSum(), due, step.results(), -update.rate().getAsDouble() * step.sampleFactor());
        if (!update.rest().isEmpty()) {
            scaled(Projection.ON_REST, due, step.results(), step.sampleFactor()).forEach((name, own) -> {
                double[] sum = slopes.get(name);
                for (int n = 0; sum != null && n < own.length; n++) {
                    sum[n] += own[n];
                }
            });
        }
        return slopes;
    }

    private Map<String, double[]> scaled(
            Extension<Tensor> extension, List<TrackedQuantity> due, Results results, double factor) {
        Set<String> patterns = patterns(due);
        Map<String, double[]> scaled = new LinkedHashMap<>();
        for (String name : trainable) {
            if (patterns.stream().anyMatch(pattern -> Patterns.matches(pattern, name))) {
                double[] own = results.get(extension, name).toDoubleArray();
                for (int n = 0; n < own.length; n++) {
                    own[n] *= factor;
                }
                scaled.put(name, own);
            }
        }
        return scaled;
    }

    /** Measures the update of a step. */
    void stepped(StepObservation step, PlannedUpdate update, long seed) {
        Started started = pending;
        if (started == null || started.step != step.step()) {
            return;
        }
        Map<String, double[]> slopes = started.slopes;
        boolean planned = started.projected && !slopes.isEmpty();
        Map<String, double[]> measured = change.becomeChange(name -> planned ? step.gradient(name) : null);
        Map<String, Double> lengths = new LinkedHashMap<>();
        measured.forEach((name, sums) -> lengths.put(name, sums[0]));
        boolean moved = lengths.values().stream().anyMatch(length -> length > 0);
        if (started.projected && !(planned && isAsPlanned(step, update, measured))) {
            slopes = moved
                    ? measuredSlopes(step.batch(), seed, started.due, step.sampleFactor())
                    : zeros(lengths.keySet(), started.losses.length);
        }
        pending = new Started(
                started.step,
                started.due,
                started.projected,
                started.loss,
                started.losses,
                slopes,
                started.squaredNorms,
                lengths);
    }

    private static Map<String, double[]> zeros(Set<String> names, int samples) {
        Map<String, double[]> zeros = new LinkedHashMap<>();
        names.forEach(name -> zeros.put(name, new double[samples]));
        return zeros;
    }

    /**
     * Whether the update came as it was planned.
     *
     * @param measured ‖u‖² and ⟨u, g⟩ by parameter
     */
    private boolean isAsPlanned(StepObservation step, PlannedUpdate update, Map<String, double[]> measured) {
        double rate = update.rate().orElseThrow();
        double difference = 0;
        double squaredLength = 0;
        for (String name : trainable) {
            double[] own = Objects.requireNonNull(measured.get(name));
            difference += squaredDifference(step, name, rate, update.rest(name), own[0], own[1]);
            squaredLength += own[0];
        }
        double most = AS_PLANNED * Math.sqrt(squaredLength);
        return difference <= most * most || Math.sqrt(difference) <= most + rounding();
    }

    /** ‖u + rate · g − rest‖², multiplied out: what cancels is far below what is looked for. */
    private double squaredDifference(
            StepObservation step,
            String name,
            double rate,
            Optional<Tensor> rest,
            double squaredLength,
            double alongGradient) {
        double square = squaredLength + 2 * rate * alongGradient + rate * rate * step.squaredGradient(name);
        if (rest.isPresent()) {
            square += Sums.squares(backend, rest.get())
                    - 2 * Sums.dot(backend, change.get(name), rest.get())
                    - 2 * rate * Sums.dot(backend, step.gradient(name), rest.get());
        }
        return Math.max(0, square);
    }

    /** What rounding of parameters makes of an update. */
    private double rounding() {
        double squares = 0;
        for (String name : trainable) {
            squares += Sums.squares(backend, model.parameters().get(name));
        }
        return (model.dtype() == DType.FLOAT32 ? 0x1p-22 : 0x1p-51) * Math.sqrt(squares);
    }

    /** One more pass of the batch where the update began. */
    private Map<String, double[]> measuredSlopes(
            Batch batch, long seed, List<TrackedQuantity> due, double sampleFactor) {
        behind.take();
        try (TensorScope scope = backend.openScope()) {
            RunOperands operands = RunOperands.NONE;
            for (String name : trainable) {
                backend.elementwise()
                        .addScaled(-1, change.get(name), model.parameters().get(name));
                operands = operands.with(Projection.ON_UPDATE.operand(), name, change(scope, name));
            }
            Request<?> request =
                    Request.of(Projection.ON_UPDATE).as("cockpit.slopes").only(trainable.toArray(String[]::new));
            PassOptions options = PassOptions.DEFAULT.nan(NanPolicy.IGNORE).updateBuffers(false);
            try (Results again = backpack.plan(model, batch, List.of(request), options)
                    .run(batch, RunOptions.seed(seed).operands(operands))) {
                return scaled(Projection.ON_UPDATE, due, again, sampleFactor);
            }
        } finally {
            behind.put();
        }
    }
}
