package io.backpack4j.cli;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Times passes: forward, backward, and giving the results' memory back. */
final class Stopwatch {

    private static final int WARM_UP_PASSES = 3;
    private static final double WARM_UP_MILLISECONDS = 1500;
    private static final double LONG_WARM_UP_MILLISECONDS = 3000;
    private static final int WARM_UP_SHORT_PASSES = 2000;
    private static final double SHORT_MILLISECONDS = 10;

    private final Batch batch;

    Stopwatch(Batch batch) {
        this.batch = batch;
    }

    /** The time of one pass. */
    double time(Plan plan) {
        return Durations.measure(pass(plan));
    }

    /** A pass. Reading the loss waits for backends that work in the background. */
    Runnable pass(Plan plan) {
        return () -> {
            try (Results results = plan.run(batch)) {
                results.loss();
            }
        };
    }

    /** Runs passes until the compilers and memory pools have settled. */
    void warmUp(Plan plan) {
        warmUp(pass(plan));
    }

    /** Work of several seconds settles them alone. */
    private static void warmUp(Runnable work) {
        double total = 0;
        int runs = 0;
        while (isCold(total, runs) && total < (isShort(total, runs) ? 2 : 1) * LONG_WARM_UP_MILLISECONDS) {
            total += Durations.measure(work);
            runs++;
        }
    }

    private static boolean isCold(double total, int runs) {
        return runs < WARM_UP_PASSES
                || total < WARM_UP_MILLISECONDS
                || (isShort(total, runs) && runs < WARM_UP_SHORT_PASSES);
    }

    /** Whether a pass is so short that what the JVM runs counts, which it compiles after some thousand passes. */
    private static boolean isShort(double total, int runs) {
        return total < SHORT_MILLISECONDS * runs;
    }

    /** Times passes by several plans in turns. */
    List<Durations> measure(int repetitions, Plan... plans) {
        return measure(repetitions, () -> {}, plans);
    }

    /** As {@link #measure(int, Plan...)}; {@code step} runs after each plan's warming up and each measured pass. */
    List<Durations> measure(int repetitions, Runnable step, Plan... plans) {
        return measure(repetitions, step, Arrays.stream(plans).map(this::pass).toList());
    }

    /** Times several kinds of work in turns, so that whatever slows the machine down slows all of them. */
    static List<Durations> measure(int repetitions, Runnable step, List<Runnable> works) {
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
