// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.cockpit.alarm.Alarm;
import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.alarm.Alarms;
import io.backpack4j.cockpit.log.LogHeader;
import io.backpack4j.cockpit.log.LogLine;
import io.backpack4j.cockpit.log.LogWriter;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Schedule;
import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tracks quantities of a network while it trains. All of one step come out of the pass that computes the gradient.
 * Watching changes nothing: parameters are only read, but for those of a step whose update was not planned and is
 * measured by one more pass, and they are put back bit by bit.
 *
 * <pre>{@code
 * try (Cockpit cockpit = Cockpit.builder(backpack, model).quantities("economy").log(Path.of("run/run.jsonl")).open()) {
 *     for (long step = 0; step < steps; step++) {
 *         StepRequest request = cockpit.request(step, batch, PlannedUpdate.descent(0.1));
 *         try (Results results = request.run(backpack, model, batch)) {
 *             cockpit.track(step, results);
 *             descend(model, results, 0.1);
 *             cockpit.stepped(step);
 *         }
 *     }
 * }
 * }</pre>
 *
 * <p>Used by one thread, that of the loop. Closing it closes the log and returns the memory; values of the last step
 * that need a next one are missing then.
 */
public final class Cockpit implements AutoCloseable {

    private final Tracker tracker;
    private final Optional<LogWriter> writer;
    private final List<Consumer<LogLine>> listeners = new ArrayList<>();
    private final Alarms alarms;
    private final LogHeader header;
    private List<LogLine> before;
    private boolean started;

    private Cockpit(Builder builder) {
        List<TrackedQuantity> tracked = builder.tracked();
        Optional<Path> folder = builder.folder.or(
                () -> builder.log.map(path -> path.toAbsolutePath().getParent()));
        this.tracker = new Tracker(builder.backpack, builder.model, tracked, builder.seed, builder.clock, folder);
        builder.state.ifPresent(tracker::restore);
        this.alarms = new Alarms(builder.alarmOptions);
        Map<String, String> expressions = new LinkedHashMap<>();
        tracked.forEach(each -> expressions.put(each.label(), each.expression()));
        this.header = new LogHeader(
                builder.modelName,
                builder.optimizer,
                builder.seed,
                builder.model.parameters().trainable(),
                expressions,
                builder.resumeAt);
        this.before = before(builder);
        before.forEach(alarms);
        this.writer = builder.log.map(path -> LogWriter.open(path, builder.resumeAt.isPresent()));
    }

    /** What a log that goes on says of the steps before. */
    private static List<LogLine> before(Builder builder) {
        if (builder.resumeAt.isEmpty() || builder.log.filter(Files::exists).isEmpty()) {
            return List.of();
        }
        long step = builder.resumeAt.getAsLong();
        return RunLog.read(builder.log.get()).lines().stream()
                .filter(line -> line.step().orElse(-1) < step)
                .toList();
    }

    /** Builds a cockpit for a model. */
    public static Builder builder(BackPack backpack, Model model) {
        return new Builder(backpack, model);
    }

    /**
     * Reads a log.
     *
     * @param path {@code run.jsonl}, or a JSON log of the original Cockpit
     */
    public static RunLog load(Path path) {
        return RunLog.read(path);
    }

    /** Asks what the pass of a step computes, nothing being known of the update that follows. */
    public StepRequest request(long step, Batch batch) {
        return request(step, batch, PlannedUpdate.UNKNOWN);
    }

    /**
     * Asks what the pass of a step computes. Before the first, quantities that the network cannot give are found out.
     *
     * @param step 0 or more, one more than the one before, if there was one
     * @param batch the caller's, open until the step is over
     * @param update what is known of the update that follows
     * @throws BackpackException {@code [UnavailableQuantity]} if a quantity was asked for by name that the network
     *     cannot give
     */
    public StepRequest request(long step, Batch batch, PlannedUpdate update) {
        if (!started) {
            started = true;
            before = List.of();
            emit(header.line(tracker.start(batch)));
        }
        return tracker.request(step, batch, update);
    }

    /**
     * Makes the values of a step, and those of the step before that needed this one, and writes them.
     *
     * @param results of the pass of that step, which had what was asked for
     */
    public void track(long step, Results results) {
        tracker.track(step, results).forEach(this::emit);
    }

    /** As {@link #track(long, Results)}, of a pass that ran with a seed of the loop's own. */
    public void track(long step, Results results, long seed) {
        tracker.seed(step, seed);
        track(step, results);
    }

    /** Measures the update. Call it before results close. */
    public void stepped(long step) {
        tracker.stepped(step);
    }

    /**
     * Writes what is known of an epoch.
     *
     * @param step the last step of it
     * @param epoch its number
     * @param rates the learning rates, one for each group of parameters
     * @param metrics such as {@code train_loss, train_accuracy, valid_loss, valid_accuracy}, accuracies from 0 to 1
     */
    public void log(long step, long epoch, double[] rates, Map<String, Double> metrics) {
        tracker.requireNotBefore(step);
        emit(LogLine.epoch(epoch, rates, metrics));
    }

    /**
     * Saves what is kept from step to step, between two steps: a file for {@link Builder#resume}.
     *
     * @param target a safetensors file, which a checkpoint may hold
     */
    public void save(Path target) {
        saved().save(target);
    }

    /** What {@link #save} saves as rows of numbers by name, for loops with checkpoints of their own. */
    public Map<String, double[]> state() {
        return saved().rows();
    }

    private CockpitState saved() {
        CockpitState state = new CockpitState();
        tracker.save(state);
        return state;
    }

    /**
     * Adds somebody who hears every line, once it is written, in the thread of the loop; of a log that goes on, the
     * lines of the steps before too. Add listeners before the first step.
     */
    public void listen(Consumer<LogLine> listener) {
        before.forEach(listener);
        listeners.add(listener);
    }

    /** Quantities that the network cannot give, with the reasons; empty before the first step. */
    public Map<String, String> unavailable() {
        return tracker.unavailable();
    }

    /** The alarms that were raised so far. */
    public List<Alarm> alarms() {
        return alarms.raised();
    }

    /**
     * Writes a line of the loop's own, which readers merge with those of the same step. Values are numbers, lists and
     * maps.
     *
     * @param step a step that was asked for
     */
    public void note(long step, Map<String, ?> values, Map<String, ?> details) {
        tracker.requireNotBefore(step);
        emit(LogLine.note(step, values, details));
    }

    private void emit(LogLine line) {
        writer.ifPresent(own -> own.write(line));
        alarms.accept(line);
        listeners.forEach(listener -> listener.accept(line));
    }

    @Override
    public void close() {
        try {
            tracker.close();
        } finally {
            writer.ifPresent(LogWriter::close);
        }
    }

    /** Says what a cockpit tracks and where to. */
    public static final class Builder {

        private final BackPack backpack;
        private final Model model;
        private final List<String> quantities = new ArrayList<>();
        private final Set<String> listened = new LinkedHashSet<>();
        private Schedule schedule = Schedule.always();
        private Optional<Path> log = Optional.empty();
        private OptionalLong resumeAt = OptionalLong.empty();
        private Optional<Path> folder = Optional.empty();
        private Optional<CockpitState> state = Optional.empty();
        private long seed;
        private String modelName = "model";
        private String optimizer = "unknown";
        private Clock clock = Clock.systemUTC();
        private AlarmOptions alarmOptions = AlarmOptions.DEFAULT;

        private Builder(BackPack backpack, Model model) {
            this.backpack = backpack;
            this.model = model;
        }

        /**
         * Adds quantities.
         *
         * @param expressions such as {@code economy,HessTrace(curvature=diag_ggn_mc,as=trace)}; see the documentation
         *     for names and options
         */
        public Builder quantities(String expressions) {
            quantities.add(expressions);
            return this;
        }

        /** When quantities are due that name no schedule; at every step if it is not set. */
        public Builder track(Schedule other) {
            schedule = other;
            return this;
        }

        /** Writes a log, replacing a file that is there. */
        public Builder log(Path path) {
            log = Optional.of(path);
            return this;
        }

        /** Sets the folder of the run, where quantities put files; that of the log if it is not set. */
        public Builder folder(Path run) {
            folder = Optional.of(run);
            return this;
        }

        /**
         * Goes on with a log that is there, whose values from a step on no longer count, and with nothing of what was
         * kept from step to step.
         */
        public Builder resumeAt(long step) {
            if (step < 0) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "A run cannot go on at step %d: steps are counted from 0.".formatted(step));
            }
            resumeAt = OptionalLong.of(step);
            return this;
        }

        /**
         * Goes on with a run, as if it had never stopped.
         *
         * @param step the next step
         * @param saved what {@link Cockpit#save} wrote behind the step before
         */
        public Builder resume(long step, Path saved) {
            state = Optional.of(CockpitState.load(saved));
            return resumeAt(step);
        }

        /**
         * Goes on with a run, as if it had never stopped.
         *
         * @param step the next step
         * @param saved what {@link Cockpit#state} was behind the step before
         */
        public Builder resume(long step, Map<String, double[]> saved) {
            state = Optional.of(CockpitState.of(saved));
            return resumeAt(step);
        }

        /** Sets the seed, from which every pass has its own; 0 if it is not set. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** Names the model, for the log's first line. */
        public Builder modelName(String name) {
            modelName = name;
            return this;
        }

        /** Names the optimizer with its options, for the log's first line. */
        public Builder optimizer(String expression) {
            optimizer = expression;
            return this;
        }

        /**
         * Names the optimizer, for the log's first line.
         *
         * @param arguments its options by name; those that are null are left out
         */
        public Builder optimizer(String type, Map<String, ? extends @Nullable Object> arguments) {
            Map<String, Object> options = new LinkedHashMap<>();
            arguments.forEach((name, value) -> {
                if (value != null) {
                    options.put(name, value);
                }
            });
            return optimizer(new ExtensionExpression(type, options).toString());
        }

        /** Sets the clock. */
        public Builder clock(Clock other) {
            clock = other;
            return this;
        }

        /**
         * Adds the quantities that some alarms are of, with their usual options, where nothing stands under their
         * names.
         *
         * @param names of {@link Alarms#NAMES}
         */
        public Builder alarms(Collection<String> names) {
            listened.addAll(names);
            return this;
        }

        /** Sets the thresholds of alarms. */
        public Builder alarms(AlarmOptions options) {
            alarmOptions = options;
            return this;
        }

        /**
         * Looks at the quantities, and touches no file.
         *
         * @throws BackpackException with everything that is wrong with them
         */
        public void check() {
            Tracker.requireParameters(model.parameters().trainable(), tracked());
        }

        private List<TrackedQuantity> tracked() {
            return new QuantityExpressions(backpack.catalog(), schedule)
                    .read(quantities, Alarms.quantitiesOf(listened));
        }

        /**
         * Opens the cockpit.
         *
         * @throws BackpackException with everything that is wrong with the quantities, or if the log cannot be written
         */
        public Cockpit open() {
            return new Cockpit(this);
        }
    }
}
