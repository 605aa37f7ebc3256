// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run goes on with its log and with what is kept from step to step. */
class ResumedRunTest {

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

    @Test
    void a_log_goes_on_where_a_run_goes_on() throws IOException {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        Path path = folder.resolve("run.jsonl");
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("Loss,UpdateSize")
                        .log(path)
                        .open()) {
            run.run(model, cockpit, 6, 8, step -> {});
        }
        Files.writeString(path, Files.readString(path) + "{\"step\": 6, \"val");
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("Loss,UpdateSize")
                        .log(path)
                        .resumeAt(4)
                        .open();
                Batch batch = run.batch(4, 8)) {
            StepRequest request = cockpit.request(4, batch);
            try (Results results = request.run(backpack, model, batch)) {
                cockpit.track(4, results);
            }
        }
        RunLog log = Cockpit.load(path);
        assertThat(log.values().keySet()).containsExactly(0L, 1L, 2L, 3L, 4L);
        assertThat(log.value(4, "UpdateSize")).isEmpty();
    }

    @Test
    void a_run_goes_on_as_if_it_had_never_stopped() {
        String quantities = "economy,UpdateRatio,HessMaxEV,GradHist1d(adapt=GradAbsMax(),as=fitted),"
                + "GradHist2d(adapt=[GradAbsMax(padding=0.1),ParamAbsMax()],as=two)";
        Map<Boolean, RunLog> logs = new LinkedHashMap<>();
        for (boolean stops : List.of(false, true)) {
            TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
            Path path = folder.resolve(stops + ".jsonl");
            Path state = folder.resolve("state.safetensors");
            try (Model model = run.model()) {
                try (Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities(quantities)
                        .log(path)
                        .open()) {
                    run.run(model, cockpit, 0, stops ? 4 : 8, 8, step -> {});
                    cockpit.save(state);
                }
                if (stops) {
                    try (Cockpit cockpit = Cockpit.builder(backpack, model)
                            .quantities(quantities)
                            .log(path)
                            .resume(4, state)
                            .open()) {
                        run.run(model, cockpit, 4, 8, 8, step -> {});
                    }
                }
            }
            logs.put(stops, Cockpit.load(path));
        }
        assertThat(logs.get(true).values()).isEqualTo(logs.get(false).values());
        assertThat(logs.get(true).value(3, "Alpha")).isPresent();
    }
}
