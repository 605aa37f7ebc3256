// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Eight threads at once, and two backends in one JVM: every number is the one that a thread alone computes, bit for
 * bit.
 */
class ConcurrencyTest {

    private static final int THREADS = 8;
    private static final int PASSES = 12;
    private static final int SECONDS = 300;

    /** What one thread does: its own network, batch, requests, splitting and seed. */
    private record Job(
            Graph graph, DType dtype, int samples, List<Request<?>> requests, PassOptions options, long seed) {

        static Job of(int number) {
            Graph graph = number % 2 == 0 ? Nets.perceptron(5 + number) : Nets.convolutions(2 + number);
            List<Request<?>> requests = Nets.REQUESTS.subList(0, 1 + number);
            PassOptions options = number % 3 == 0
                    ? PassOptions.DEFAULT
                    : PassOptions.DEFAULT.chunk(4).block(2);
            DType dtype = number % 4 == 3 ? DType.FLOAT64 : DType.FLOAT32;
            return new Job(graph, dtype, 6 + number, requests, options, number);
        }

        /** The results of several passes, which must be the same. */
        Map<String, double[]> run(BackPack backpack, int passes) {
            CrossEntropyLoss loss = new CrossEntropyLoss(LossReduction.MEAN);
            try (Model model = backpack.model(graph, loss, dtype, Nets.IMAGE);
                    Batch batch = Nets.batch(backpack, dtype, samples, seed)) {
                model.parameters().initialize(seed);
                Map<String, double[]> first = null;
                for (int pass = 0; pass < passes; pass++) {
                    Plan plan = backpack.plan(model, batch, requests, options);
                    Map<String, double[]> results = Nets.results(plan, batch, RunOptions.seed(seed));
                    if (first == null) {
                        first = results;
                    }
                    assertSame(results, first);
                }
                return first == null ? Map.of() : first;
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"onednn, 1", "onednn, 2", "nd4j, 2"})
    void threads_with_passes_of_their_own(String kernels, int backendThreads) throws Exception {
        List<Map<String, double[]>> expected = new ArrayList<>();
        try (BackPack alone = open(kernels, backendThreads)) {
            for (int number = 0; number < THREADS; number++) {
                expected.add(Job.of(number).run(alone, 1));
            }
        }
        // The backend, the plans and the kernels' caches are all made under contention.
        try (BackPack shared = open(kernels, backendThreads)) {
            List<Map<String, double[]>> results =
                    together(number -> Job.of(number).run(shared, PASSES));
            for (int number = 0; number < THREADS; number++) {
                assertSame(results.get(number), expected.get(number));
            }
            assertThat(shared.backend().memory().openTensors()).isZero();
            assertThat(shared.backend().memory().usedBytes()).isZero();
            Figures.row(
                    "%d threads on one instance, kernels %s, %d threads of the backend"
                            .formatted(THREADS, kernels, backendThreads),
                    "%d passes, bits as alone",
                    THREADS * PASSES);
        }
    }

    @Test
    void threads_with_one_plan() throws Exception {
        try (BackPack backpack = open("onednn", 2)) {
            CrossEntropyLoss loss = new CrossEntropyLoss(LossReduction.MEAN);
            try (Model model = backpack.model(Nets.convolutions(3), loss, DType.FLOAT32, Nets.IMAGE);
                    Batch batch = Nets.batch(backpack, DType.FLOAT32, 9, 1)) {
                model.parameters().initialize(1);
                Plan plan = backpack.plan(model, batch, Nets.REQUESTS, PassOptions.DEFAULT.chunk(4));
                List<Map<String, double[]>> expected = new ArrayList<>();
                for (int number = 0; number < THREADS; number++) {
                    expected.add(Nets.results(plan, batch, RunOptions.seed(number)));
                }
                List<Map<String, double[]>> results = together(number -> {
                    Map<String, double[]> last = Map.of();
                    for (int pass = 0; pass < PASSES; pass++) {
                        last = Nets.results(plan, batch, RunOptions.seed(number));
                        assertSame(last, expected.get(number));
                    }
                    return last;
                });
                assertThat(results).hasSize(THREADS);
            }
            assertThat(backpack.backend().memory().openTensors()).isZero();
        }
    }

    @Test
    void the_backend_is_opened_once() throws Exception {
        try (BackPack backpack = open("onednn", 1)) {
            Set<Backend> backends = Collections.newSetFromMap(new IdentityHashMap<>());
            backends.addAll(together(number -> backpack.backend()));
            assertThat(backends).hasSize(1);
        }
    }

    @Test
    void two_backends_in_one_virtual_machine(@TempDir Path folder) throws Exception {
        try (URLClassLoader loader = FaultyPlugin.loader(folder);
                BackPack cpu = open("onednn", 2);
                BackPack single = open("nd4j", 1);
                BackPack heap = heap(loader)) {
            List<BackPack> instances = List.of(cpu, heap, single);
            List<Map<String, double[]>> alone = new ArrayList<>();
            for (int number = 0; number < THREADS; number++) {
                alone.add(Job.of(number).run(instances.get(number % instances.size()), 1));
            }
            List<Map<String, double[]>> results =
                    together(number -> Job.of(number).run(instances.get(number % instances.size()), PASSES / 2));
            for (int number = 0; number < THREADS; number++) {
                assertSame(results.get(number), alone.get(number));
            }
            Map<String, double[]> onHeap = Job.of(3).run(heap, 1);
            Map<String, double[]> onCpu = Job.of(3).run(cpu, 1);
            onHeap.forEach((name, values) -> assertThat(onCpu.get(name))
                    .as(name)
                    .containsExactly(values, org.assertj.core.api.Assertions.within(1e-9)));
        }
    }

    private static BackPack heap(ClassLoader loader) throws IOException {
        return BackPack.builder().classLoader(loader).backend("heap").threads(1).build();
    }

    private static BackPack open(String kernels, int threads) {
        return BackPack.builder()
                .backend("cpu")
                .threads(threads)
                .properties(Map.of("backpack.cpu.kernels", kernels))
                .build();
    }

    private interface Work<T> {
        T of(int number);
    }

    /** Runs work in all threads, which start at the same time. */
    private static <T> List<T> together(Work<T> work)
            throws InterruptedException, ExecutionException, TimeoutException {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            CyclicBarrier start = new CyclicBarrier(THREADS);
            List<Callable<T>> tasks = new ArrayList<>();
            for (int number = 0; number < THREADS; number++) {
                int own = number;
                tasks.add(() -> {
                    start.await();
                    return work.of(own);
                });
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : threads.invokeAll(tasks, SECONDS, TimeUnit.SECONDS)) {
                results.add(future.get(0, TimeUnit.SECONDS));
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) -> assertThat(actual.get(name)).as(name).isEqualTo(values));
    }
}
