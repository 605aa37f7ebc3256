// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.trainer;

import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.CockpitProblems;
import io.backpack4j.cockpit.PlannedUpdate;
import io.backpack4j.cockpit.StepRequest;
import io.backpack4j.cockpit.alarm.Alarm;
import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.EpochResult;
import io.backpack4j.training.PassPreparation;
import io.backpack4j.training.State;
import io.backpack4j.training.Training;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingLog;
import io.backpack4j.training.TrainingStep;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Shows a trainer's run in a cockpit: what quantities need is computed in the pass of the step, and what is kept from
 * step to step stands in checkpoints. Its {@link #log} is the trainer's log, so that one file has the lines of both.
 *
 * <pre>{@code
 * CockpitListener cockpit = new CockpitListener(
 *         Cockpit.builder(backpack, model).quantities("economy").log(Path.of("run/run.jsonl")),
 *         Set.of("stalled"),
 *         List.of());
 * Trainer.builder(backpack, model).optimizer(new SGD(0.1)).listener(cockpit).log(cockpit.log()).build().fit(data);
 * }</pre>
 *
 * <p>For one run, in the thread that trains.
 */
public final class CockpitListener implements TrainingListener {

    private static final String NAME = "cockpit";
    private static final String NEXT_STEP = "next_step";
    private static final String ROWS = "rows";
    private static final String RATE = "learning_rate";

    private final Cockpit.Builder builder;
    private final Set<String> stopsOn;
    private final List<Consumer<LogLine>> listeners;
    private final TrainingLog log = new Log();
    private @Nullable Training training;
    private @Nullable Cockpit opened;
    private @Nullable TensorScope planned;
    private List<Alarm> alarms = List.of();
    private long next;

    /**
     * Attaches a cockpit that is opened when training starts.
     *
     * @param builder says what is tracked and where to; seed, optimiser, and whether a run is resumed, says the trainer
     * @param stopsOn alarms that end the run; the quantities that they are of are tracked too
     * @param listeners hear every line
     */
    public CockpitListener(Cockpit.Builder builder, Set<String> stopsOn, List<Consumer<LogLine>> listeners) {
        this.builder = builder.alarms(stopsOn);
        this.stopsOn = Set.copyOf(stopsOn);
        this.listeners = List.copyOf(listeners);
    }

    /**
     * The trainer's log: epochs and what other listeners log go into the cockpit's. The loss of a step is the quantity
     * {@code Loss}, where it is tracked.
     */
    public TrainingLog log() {
        return log;
    }

    /** The alarms that were raised, also after the run. */
    public List<Alarm> alarms() {
        return List.copyOf(alarms);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void onStart(Training run) {
        builder.seed(run.seed())
                .optimizer(run.optimizer().type(), run.optimizer().arguments())
                .check();
        training = run;
    }

    private Cockpit cockpit() {
        Cockpit open = opened;
        if (open == null) {
            open = builder.open();
            listeners.forEach(open::listen);
            opened = open;
        }
        return open;
    }

    private Training training() {
        Training run = training;
        if (run == null) {
            throw new IllegalStateException("Training has not started");
        }
        return run;
    }

    @Override
    public void prepare(PassPreparation pass) {
        closePlan();
        TensorScope scope = training().backpack().backend().openScope();
        planned = scope;
        PlannedUpdate update = pass.plannedUpdate(scope)
                .map(known -> PlannedUpdate.descent(known.rate(), known.rest()))
                .orElse(PlannedUpdate.UNKNOWN);
        StepRequest request = cockpit().request(pass.step(), pass.batch(), update);
        request.requests().forEach(pass::request);
        request.operands()
                .tensors()
                .forEach((name, own) -> own.forEach((parameter, tensor) -> pass.operand(name, parameter, tensor)));
    }

    @Override
    public void onTrainingBatch(TrainingStep step) {
        cockpit().track(step.number(), step.results(), step.seed());
        look();
    }

    @Override
    public void onStepped(TrainingStep step) {
        cockpit().stepped(step.number());
        closePlan();
        next = step.number() + 1;
    }

    @Override
    public void onEpoch(EpochResult result) {
        look();
    }

    /** Stops on new alarms. */
    private void look() {
        List<Alarm> all = cockpit().alarms();
        for (Alarm alarm : all.subList(alarms.size(), all.size())) {
            if (stopsOn.contains(alarm.name())) {
                training().stop("alarm %s at step %d, %s".formatted(alarm.name(), alarm.step(), alarm.rule()));
            }
        }
        alarms = all;
    }

    @Override
    public void save(State state) {
        state.put(NEXT_STEP, next);
        State rows = state.at(ROWS);
        cockpit().state().forEach(rows::put);
    }

    @Override
    public void load(State state) {
        if (!state.has(NEXT_STEP)) {
            throw new BackpackException(
                    CockpitProblems.FOREIGN_STATE,
                    "The run was made without a cockpit, whose log would begin in the middle. Go on without one, or start anew.");
        }
        next = state.integer(NEXT_STEP);
        State saved = state.at(ROWS);
        Map<String, double[]> rows = new LinkedHashMap<>();
        saved.names().forEach(name -> rows.put(name, saved.numbers(name)));
        builder.resume(next, rows);
        alarms = cockpit().alarms();
    }

    private void closePlan() {
        Optional.ofNullable(planned).ifPresent(TensorScope::close);
        planned = null;
    }

    @Override
    public void close() {
        closePlan();
        Optional.ofNullable(opened).ifPresent(Cockpit::close);
        opened = null;
    }

    /** The trainer's side of the log. */
    private final class Log implements TrainingLog {

        @Override
        public void begin(Training run) {}

        @Override
        public void step(long step, Map<String, ?> values, Map<String, ?> details) {
            Map<String, Object> others = new LinkedHashMap<>(values);
            // The trainer's loss is the model's, which may be a sum; the quantity is a mean, and is due when it is due.
            others.remove("Loss");
            if (!others.isEmpty()) {
                cockpit().note(step, others, details);
            }
        }

        @Override
        public void epoch(long epoch, Map<String, Double> values) {
            Map<String, Double> metrics = new LinkedHashMap<>(values);
            Double rate = metrics.remove(RATE);
            double[] rates = rate == null ? new double[0] : new double[] {rate};
            cockpit().log(Math.max(0, next - 1), epoch, rates, metrics);
        }

        @Override
        public void save(State state) {}

        @Override
        public void load(State state) {}

        @Override
        public void close() {}
    }
}
