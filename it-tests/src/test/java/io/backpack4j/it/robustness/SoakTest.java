// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Cancellation;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassListener;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/**
 * Very many passes of two networks, every tenth of which is ended halfway, leave native and heap memory as they were.
 * Few by default; ten thousand are
 *
 * <pre>{@code
 * mvn -pl it-tests -am test -Dtest=SoakTest -Dsurefire.failIfNoSpecifiedTests=false -Dsoak.passes=10000
 * }</pre>
 */
class SoakTest {

    private static final int PASSES = Integer.getInteger("soak.passes", 300);
    private static final int STRETCHES = 10;

    /** The virtual machine sizes its heap and compiles code in the first thousand passes or so, which is no leak. */
    private static final int WARM_UP = Math.max(100, PASSES / STRETCHES);

    private static final int N = 16;
    private static final long SLACK = 32L << 20;

    private record Footprint(int passes, MemoryStatistics pool, long javaCpp, long resident, long heap) {

        static Footprint of(int passes, BackPack backpack) {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            return new Footprint(
                    passes,
                    backpack.backend().memory(),
                    Pointer.totalBytes(),
                    Pointer.physicalBytes(),
                    runtime.totalMemory() - runtime.freeMemory());
        }

        @Override
        public String toString() {
            return "%,7d passes: pool %,d KiB in %d allocations, other native %,d KiB, process %,d MiB, heap %,d KiB"
                    .formatted(
                            passes,
                            pool.pooledBytes() >> 10,
                            pool.systemAllocations(),
                            javaCpp >> 10,
                            resident >> 20,
                            heap >> 10);
        }
    }

    @Test
    void memory_is_flat() {
        try (BackPack backpack = BackPack.builder().backend("cpu").threads(2).build()) {
            CrossEntropyLoss loss = new CrossEntropyLoss(LossReduction.MEAN);
            try (Model first = backpack.model(Nets.convolutions(4), loss, DType.FLOAT32, Nets.IMAGE);
                    Model second = backpack.model(Nets.perceptron(12), loss, DType.FLOAT64, Nets.IMAGE);
                    Batch images = Nets.batch(backpack, DType.FLOAT32, N, 1);
                    Batch vectors = Nets.batch(backpack, DType.FLOAT64, N, 2)) {
                first.parameters().initialize(1);
                second.parameters().initialize(2);
                PassOptions chunks = PassOptions.DEFAULT.chunk(5);
                passes(WARM_UP, backpack, first, second, images, vectors, chunks);
                List<Footprint> footprints = new ArrayList<>(List.of(Footprint.of(0, backpack)));
                for (int stretch = 1; stretch <= STRETCHES; stretch++) {
                    passes(PASSES / STRETCHES, backpack, first, second, images, vectors, chunks);
                    footprints.add(Footprint.of(stretch * (PASSES / STRETCHES), backpack));
                }
                footprints.forEach(System.out::println);
                Footprint before = footprints.get(0);
                Footprint after = footprints.get(STRETCHES);
                Figures.row(
                        "many passes, every tenth cancelled",
                        "%,d passes; change of the pool %,d bytes, of other native memory %,d bytes, of the heap %,d KiB, of the process %,d MiB",
                        PASSES,
                        after.pool().pooledBytes() - before.pool().pooledBytes(),
                        after.javaCpp() - before.javaCpp(),
                        (after.heap() - before.heap()) >> 10,
                        (after.resident() - before.resident()) >> 20);
                assertThat(after.pool().openTensors()).isEqualTo(before.pool().openTensors());
                assertThat(after.pool().usedBytes()).isEqualTo(before.pool().usedBytes());
                assertThat(after.pool().systemAllocations())
                        .isEqualTo(before.pool().systemAllocations());
                assertThat(after.javaCpp()).isLessThanOrEqualTo(before.javaCpp());
                assertThat(after.heap()).as("heap").isLessThan(before.heap() + SLACK / 8);
                // Garbage collection decides when the heap grows, so the process may grow a little.
                assertThat(after.resident() - before.resident())
                        .as("process")
                        .isLessThan(PASSES < 1000 ? 4 * SLACK : SLACK);
            }
        }
    }

    private static void passes(
            int count, BackPack backpack, Model first, Model second, Batch images, Batch vectors, PassOptions chunks) {
        for (int pass = 0; pass < count; pass++) {
            boolean even = pass % 2 == 0;
            PassOptions options = pass % 4 < 2 ? PassOptions.DEFAULT : chunks;
            Plan plan = backpack.plan(even ? first : second, even ? images : vectors, Nets.REQUESTS, options);
            if (pass % 10 == 9) {
                end(plan, even ? images : vectors, pass);
            } else {
                try (Results results = plan.run(even ? images : vectors, pass)) {
                    assertThat(results.loss()).isFinite();
                }
            }
        }
    }

    private static void end(Plan plan, Batch batch, int pass) {
        Cancellation cancellation = new Cancellation();
        long last = pass % plan.steps();
        long[] step = {0};
        PassListener listener = new PassListener() {
            @Override
            public void forward(String node) {
                count();
            }

            @Override
            public void backward(String node, String signal) {
                count();
            }

            private void count() {
                if (step[0]++ == last) {
                    cancellation.cancel();
                }
            }
        };
        try (Results results =
                plan.run(batch, RunOptions.seed(pass).listener(listener).cancellation(cancellation))) {
            assertThat(results.loss()).isFinite();
        } catch (BackpackException e) {
            assertThat(e).hasMessageStartingWith("[Cancelled] ");
        }
    }
}
