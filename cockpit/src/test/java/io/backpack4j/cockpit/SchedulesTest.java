// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Schedule;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When quantities are due, and how few plans come of it. */
class SchedulesTest {

    private static BackPack backpack;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static List<Long> due(Schedule schedule, long steps) {
        List<Long> due = new ArrayList<>();
        for (long step = 0; step < steps; step++) {
            if (schedule.isDue(step)) {
                due.add(step);
            }
        }
        return due;
    }

    @Test
    void many_schedules_make_few_plans() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        StringBuilder quantities = new StringBuilder("Loss");
        List<String> names =
                List.of("NormTest", "InnerTest", "MeanGSNR", "TICTrace", "TICDiag", "GradHist1d", "GradHist2d");
        for (int i = 0; i < names.size(); i++) {
            quantities.append(",%s(schedule=linear(interval=%d))".formatted(names.get(i), i + 2));
        }
        List<List<Request<?>>> sets = new ArrayList<>();
        Path path = folder.resolve("run.jsonl");
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities(quantities.toString())
                        .log(path)
                        .open()) {
            for (long step = 0; step < 200; step++) {
                try (Batch batch = run.batch(step, 4)) {
                    StepRequest request = cockpit.request(step, batch);
                    if (!sets.contains(request.requests())) {
                        sets.add(request.requests());
                    }
                    try (Results results = request.run(backpack, model, batch)) {
                        cockpit.track(step, results);
                        cockpit.stepped(step);
                    }
                }
            }
        }
        assertThat(sets.stream().filter(set -> !set.isEmpty()))
                .hasSizeLessThanOrEqualTo(DueSets.MOST)
                .hasSizeGreaterThan(3);
        RunLog log = Cockpit.load(path);
        for (int i = 0; i < names.size(); i++) {
            for (long step = 0; step < 200; step++) {
                assertThat(log.value(step, names.get(i)).isPresent())
                        .as("%s at %d", names.get(i), step)
                        .isEqualTo(step % (i + 2) == 0);
            }
        }
    }

    @Test
    void schedules_are_those_of_the_original() {
        assertThat(due(Schedule.linear(3, 1), 12)).containsExactly(1L, 4L, 7L, 10L);
        assertThat(due(Schedule.logarithmic(0, 1, 4, 10, false), 20)).containsExactly(1L, 2L, 4L, 10L);
        assertThat(due(Schedule.logarithmic(0, 2, 6, 10, true), 200)).containsExactly(0L, 1L, 2L, 6L, 15L, 39L, 100L);
        assertThat(due(Schedule.logarithmic(0, 1, 11, 10, false), 20)).containsExactly(1L, 2L, 3L, 5L, 6L, 7L, 10L);
        assertThat(due(Schedule.logarithmic(1, 3, 7, 10, false), 1100))
                .containsExactly(10L, 21L, 46L, 100L, 215L, 464L, 1000L);
        assertThat(due(Schedule.parse("logarithmic(start=0,end=10,steps=11,base=2,init=false)"), 2000))
                .containsExactly(1L, 2L, 4L, 8L, 16L, 32L, 64L, 128L, 256L, 512L, 1024L);
    }
}
