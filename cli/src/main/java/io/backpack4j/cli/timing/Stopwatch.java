// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.timing;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Times passes: forward, backward, and giving the results' memory back. */
public final class Stopwatch {

    /** Enough for a look. The JVM has compiled all that a small network's pass runs after some thousand passes. */
    private static final double SHORT_WARM_UP_SECONDS = 0.3;

    private static final int WARM_UP_PASSES = 3;
    private static final double LONG_WARM_UP_MILLISECONDS = 3000;

    /** Work that has not settled by then is timed as it is. */
    private static final double LONGEST_UNTIL_SETTLED_MILLISECONDS = 10_000;

    private final Batch batch;

    /** How long every kind of work runs at first; until it has settled if not finite. */
    private final double warmUpMilliseconds;

    private final List<WarmUp> warmUps = new ArrayList<>();

    public Stopwatch(Batch batch) {
        this(batch, SHORT_WARM_UP_SECONDS);
    }

    /** Warms every kind of pass up for about that long before it is measured. */
    public Stopwatch(Batch batch, double warmUpSeconds) {
        this.batch = batch;
        this.warmUpMilliseconds = 1000 * warmUpSeconds;
    }

    /**
     * Warms every kind of pass up until a second has brought no quarter of a second whose median is 5 % below the least
     * one before, or for ten seconds.
     */
    public static Stopwatch untilSettled(Batch batch) {
        return new Stopwatch(batch, Double.POSITIVE_INFINITY);
    }

    /** The time of one pass. */
    public double time(Plan plan) {
        return Durations.measure(pass(plan));
    }

    /** A pass. Reading the loss waits for backends that work in the background. */
    public Runnable pass(Plan plan) {
        return () -> {
            try (Results results = plan.run(batch)) {
                results.loss();
            }
        };
    }

    /** Runs passes until the compilers and memory pools have settled. */
    public void warmUp(Plan plan) {
        warmUp(pass(plan));
    }

    private WarmUp warmUp(Runnable work) {
        Settling times = new Settling();
        for (int runs = 0; !isWarm(times, runs); runs++) {
            times.add(Durations.measure(work));
        }
        return new WarmUp(times.total() / 1000, times.isSettled());
    }

    /** Work of several seconds settles the compilers and memory pools alone. */
    private boolean isWarm(Settling times, int runs) {
        if (Double.isInfinite(warmUpMilliseconds)) {
            return times.isSettled() || times.total() >= LONGEST_UNTIL_SETTLED_MILLISECONDS;
        }
        return times.total() >= Math.max(LONG_WARM_UP_MILLISECONDS, warmUpMilliseconds)
                || (runs >= WARM_UP_PASSES && times.total() >= warmUpMilliseconds);
    }

    /** What ran before each kind of work that was measured, in that order. */
    public List<WarmUp> warmUps() {
        return List.copyOf(warmUps);
    }

    /** Times passes by several plans in turns. */
    public List<Durations> measure(int repetitions, Plan... plans) {
        return measure(repetitions, () -> {}, plans);
    }

    /** As {@link #measure(int, Plan...)}; {@code step} runs after each plan's warming up and each measured pass. */
    public List<Durations> measure(int repetitions, Runnable step, Plan... plans) {
        return measure(repetitions, step, Arrays.stream(plans).map(this::pass).toList());
    }

    /** Times several kinds of work in turns, so that whatever slows the machine down slows all of them. */
    public List<Durations> measure(int repetitions, Runnable step, List<Runnable> works) {
        List<List<Double>> times = new ArrayList<>();
        for (Runnable work : works) {
            warmUps.add(warmUp(work));
            step.run();
            times.add(new ArrayList<>());
        }
        for (int repetition = 0; repetition < repetitions; repetition++) {
            for (int i = 0; i < works.size(); i++) {
                times.get(i).add(Durations.measure(works.get(i)));
                step.run();
            }
        }
        return times.stream().map(Durations::of).toList();
    }
}
