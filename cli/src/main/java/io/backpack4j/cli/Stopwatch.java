package io.backpack4j.cli;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import java.util.ArrayList;
import java.util.List;

/** Times passes: forward, backward, and giving the results' memory back. */
final class Stopwatch {

    private static final int WARM_UP_PASSES = 3;
    private static final double WARM_UP_MILLISECONDS = 300;
    private static final double LONG_WARM_UP_MILLISECONDS = 3000;

    private final Batch batch;

    Stopwatch(Batch batch) {
        this.batch = batch;
    }

    /** The time of one pass. Reading the loss waits for backends that work in the background. */
    double time(Plan plan) {
        return Durations.measure(() -> {
            try (Results results = plan.run(batch)) {
                results.loss();
            }
        });
    }

    /** Runs passes until the compilers and memory pools have settled. A pass of several seconds settles them alone. */
    void warmUp(Plan plan) {
        double total = 0;
        int passes = 0;
        while (total < LONG_WARM_UP_MILLISECONDS && (passes < WARM_UP_PASSES || total < WARM_UP_MILLISECONDS)) {
            total += time(plan);
            passes++;
        }
    }

    /** Times several plans in turns, so that whatever slows the machine down slows all of them. */
    List<Durations> measure(int repetitions, Plan... plans) {
        return measure(repetitions, () -> {}, plans);
    }

    /** As {@link #measure(int, Plan...)}; {@code step} runs after each plan's warming up and each measured pass. */
    List<Durations> measure(int repetitions, Runnable step, Plan... plans) {
        List<List<Double>> times = new ArrayList<>();
        for (Plan plan : plans) {
            warmUp(plan);
            step.run();
            times.add(new ArrayList<>());
        }
        for (int repetition = 0; repetition < repetitions; repetition++) {
            for (int i = 0; i < plans.length; i++) {
                times.get(i).add(time(plans[i]));
                step.run();
            }
        }
        return times.stream().map(Durations::of).toList();
    }
}
