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

    private final Batch batch;
    private final double warmUpMilliseconds;

    public Stopwatch(Batch batch) {
        this(batch, SHORT_WARM_UP_SECONDS);
    }

    /** Warms every kind of pass up for about that long before it is measured. */
    public Stopwatch(Batch batch, double warmUpSeconds) {
        this.batch = batch;
        this.warmUpMilliseconds = 1000 * warmUpSeconds;
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

    /** Work of several seconds settles them alone. */
    private void warmUp(Runnable work) {
        double total = 0;
        int runs = 0;
        double limit = Math.max(LONG_WARM_UP_MILLISECONDS, warmUpMilliseconds);
        while (total < limit && (runs < WARM_UP_PASSES || total < warmUpMilliseconds)) {
            total += Durations.measure(work);
            runs++;
        }
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
            warmUp(work);
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
