// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassListener;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Listeners see every step; a pass that is ended stops at the next one and returns its memory. */
class ControlTest {

    private final BackPack backpack =
            BackPack.builder().backend("cpu").threads(1).build();
    private final Model model =
            backpack.model(Nets.convolutions(2), new CrossEntropyLoss(LossReduction.MEAN), DType.FLOAT32, Nets.IMAGE);
    private final Batch batch = Nets.batch(backpack, DType.FLOAT32, 7, 1);
    private final Plan plan = backpack.plan(
            model, batch, Nets.REQUESTS, PassOptions.DEFAULT.chunk(4).block(1));

    @BeforeEach
    void initialize() {
        model.parameters().initialize(1);
    }

    @AfterEach
    void close() {
        batch.close();
        model.close();
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    /** Notes everything, and does something at one step. */
    private static final class Notes implements PassListener {

        private final List<String> notes = new ArrayList<>();
        private final int step;
        private final Runnable action;
        private int steps;

        Notes(int step, Runnable action) {
            this.step = step;
            this.action = action;
        }

        @Override
        public void chunk(int stage, long fromSample, long toSample) {
            notes.add("stage %d, samples %d to %d".formatted(stage, fromSample, toSample));
        }

        @Override
        public void columns(String signal, long fromColumn, long toColumn, long columns) {
            notes.add("%s, columns %d to %d of %d".formatted(signal, fromColumn, toColumn, columns));
        }

        @Override
        public void forward(String node) {
            notes.add("forward " + node);
            step();
        }

        @Override
        public void backward(String node, String signal) {
            notes.add("backward " + node + " " + signal);
            step();
        }

        private void step() {
            if (steps++ == step) {
                action.run();
            }
        }
    }

    @Test
    void a_listener_is_told_of_chunks_columns_and_nodes() {
        Notes notes = new Notes(-1, () -> {});
        Nets.results(plan, batch, RunOptions.seed(0).listener(notes));
        assertThat(notes.steps).isEqualTo((int) plan.steps());
        assertThat(notes.notes)
                .containsSubsequence(
                        "stage 1, samples 0 to 4", "forward 0", "forward 6", "stage 1, samples 4 to 7", "forward 0");
        assertThat(notes.notes.stream().filter("forward 6"::equals)).hasSize(2);
        assertThat(notes.notes).anyMatch(note -> note.matches(".*, columns 1 to 2 of 2"));
        assertThat(notes.notes).anyMatch(note -> note.matches("backward 0 .*"));
    }

    @Test
    void a_listener_changes_no_number() {
        Map<String, double[]> without = Nets.results(plan, batch, RunOptions.seed(3));
        Map<String, double[]> with =
                Nets.results(plan, batch, RunOptions.seed(3).listener(new Notes(-1, () -> {})));
        assertThat(with.keySet()).isEqualTo(without.keySet());
        without.forEach((name, values) -> assertThat(with.get(name)).as(name).isEqualTo(values));
    }

    @Test
    void cancellation_ends_a_pass_at_the_next_node_wherever_it_is() {
        MemoryStatistics before = backpack.backend().memory();
        for (int step = 0; step < plan.steps() - 1; step++) {
            Cancellation cancellation = new Cancellation();
            Notes notes = new Notes(step, cancellation::cancel);
            RunOptions options = RunOptions.seed(0).listener(notes).cancellation(cancellation);
            BackpackException failure =
                    catchThrowableOfType(BackpackException.class, () -> Nets.results(plan, batch, options));
            assertThat(failure.problems().get(0).id().name()).isEqualTo("Cancelled");
            assertThat(notes.steps).as("steps").isEqualTo(step + 1);
            assertThat(backpack.backend().memory().openTensors()).isEqualTo(before.openTensors());
            assertThat(backpack.backend().memory().usedBytes()).isEqualTo(before.usedBytes());
        }
        assertThat(Nets.results(plan, batch, RunOptions.seed(0))).containsKey("loss");
    }

    @Test
    void an_interrupted_thread_ends_its_pass_and_stays_interrupted() {
        Notes notes = new Notes(9, () -> Thread.currentThread().interrupt());
        try {
            assertThatThrownBy(
                            () -> Nets.results(plan, batch, RunOptions.seed(0).listener(notes)))
                    .hasMessageStartingWith(
                            "[Cancelled] The pass was ended by the interruption of its thread, before its ");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(notes.steps).isEqualTo(10);
    }

    @Test
    void another_thread_may_cancel() throws InterruptedException {
        Cancellation cancellation = new Cancellation();
        Notes notes = new Notes(3, () -> {
            Thread other = new Thread(cancellation::cancel);
            other.start();
            try {
                other.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        RunOptions options = RunOptions.seed(0).listener(notes).cancellation(cancellation);
        assertThatThrownBy(() -> Nets.results(plan, batch, options)).hasMessageStartingWith("[Cancelled] ");
        assertThatThrownBy(() -> Nets.results(plan, batch, options)).hasMessageContaining("forward step at node '0'");
    }

    @Test
    void a_listener_that_throws_ends_the_pass() {
        for (int step = 0; step < plan.steps(); step++) {
            Notes notes = new Notes(step, () -> {
                throw new IllegalStateException("no paper");
            });
            long open = backpack.backend().memory().openTensors();
            assertThatThrownBy(
                            () -> Nets.results(plan, batch, RunOptions.seed(0).listener(notes)))
                    .hasMessageStartingWith("[ListenerFailure] The pass was ended by its listener ")
                    .hasRootCauseInstanceOf(IllegalStateException.class);
            assertThat(backpack.backend().memory().openTensors()).isEqualTo(open);
        }
    }
}
