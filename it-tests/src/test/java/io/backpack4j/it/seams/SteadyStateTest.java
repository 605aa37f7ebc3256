// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.BatchDiagGGNMC;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.AvgPool;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.ConvTranspose;
import io.backpack4j.modules.conv.MaxPool;
import io.backpack4j.modules.conv.Pad;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A thousand passes leave nothing behind and take nothing new. */
class SteadyStateTest {

    private static final int N = 16;

    private static final List<Request<?>> REQUESTS = List.of(
            Request.of(new BatchGrad()),
            Request.of(new BatchL2Grad()),
            Request.of(new SumGradSquared()),
            Request.of(new Variance()),
            Request.of(new GhostClipping(0.1)),
            Request.of(new EveryMergeRule(false)),
            Request.of(new SignalStatistics(new LossGradient())),
            Request.of(new BatchDiagGGNMC(2)),
            Request.of(new DiagHessian()));

    @ParameterizedTest
    @CsvSource({"FLOAT32, onednn, 16", "FLOAT32, nd4j, 16", "FLOAT64, onednn, 16", "FLOAT32, onednn, 5"})
    @DisplayName("after warm-up passes allocate no native memory, and nothing leaks")
    void passes_are_steady(DType dtype, String kernels, long chunk) {
        Graph graph = Graph.sequential(
                new Flatten(), new Linear(12, 9), new ReLU(), new Linear(9, 7), new Sigmoid(), new Linear(7, 5));
        assertSteady(graph, Shape.of(3, 4), dtype, kernels, chunk, 1000);
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT32, onednn, 16",
        "FLOAT32, nd4j, 16",
        "FLOAT64, onednn, 16",
        "FLOAT64, nd4j, 16",
        "FLOAT32, onednn, 5"
    })
    @DisplayName("convolutional networks are as steady")
    void convolutional_passes_are_steady(DType dtype, String kernels, long chunk) {
        MaxPool padded =
                new MaxPool(new Window(List.of(3L, 3L), List.of(2L, 2L), List.of(1L, 1L), List.of(1L, 1L)), false);
        Graph graph = Graph.sequential(
                Conv.of(2, 2, 6, 3).withPadding(1),
                new ReLU(),
                MaxPool.of(2, 2),
                BatchNorm.of(2, 6, Mode.EVAL),
                Conv.of(2, 6, 8, 3).withGroups(2).withPadding(1),
                new ReLU(),
                Pad.zeros(0, 1, 0, 1),
                padded,
                ConvTranspose.of(2, 8, 4, 2).withStride(2),
                new Sigmoid(),
                MaxPool.of(2, 2, 1),
                AvgPool.of(2, 2),
                new Flatten(),
                new Linear(12, 5));
        assertSteady(graph, Shape.of(2, 10, 11), dtype, kernels, chunk, 200);
    }

    private static void assertSteady(
            Graph graph, Shape sample, DType dtype, String kernels, long chunk, int repetitions) {
        Random random = new Random(5);
        float[] inputs = new float[N * (int) sample.elements()];
        long[] labels = new long[N];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = (float) random.nextGaussian();
        }
        for (int n = 0; n < N; n++) {
            labels[n] = random.nextInt(5);
        }
        try (BackPack backpack = BackPack.builder()
                .backend("cpu")
                .threads(2)
                .properties(Map.of("backpack.cpu.kernels", kernels))
                .build()) {
            try (Model model = backpack.model(graph, new CrossEntropyLoss(LossReduction.MEAN), dtype, sample);
                    Batch batch = backpack.batch(dtype, inputs, sample.prepend(N), labels)) {
                model.parameters().initialize(1);
                Plan plan = backpack.plan(model, batch, REQUESTS, PassOptions.DEFAULT.chunk(chunk));
                long openBefore = backpack.backend().memory().openTensors();
                passes(plan, batch, 50);
                MemoryStatistics warm = backpack.backend().memory();
                long nativeBytes = Pointer.totalBytes();
                long nativeCount = Pointer.totalCount();
                passes(plan, batch, repetitions);
                MemoryStatistics after = backpack.backend().memory();
                assertThat(after.openTensors()).isEqualTo(openBefore);
                assertThat(after.systemAllocations()).isEqualTo(warm.systemAllocations());
                assertThat(after.pooledBytes()).isEqualTo(warm.pooledBytes());
                assertThat(after.usedBytes()).isEqualTo(warm.usedBytes());
                // A late garbage collection may free what loading left behind; nothing may be added.
                assertThat(Pointer.totalBytes()).isLessThanOrEqualTo(nativeBytes);
                assertThat(Pointer.totalCount()).isLessThanOrEqualTo(nativeCount);
            }
            assertThat(backpack.backend().memory().openTensors()).isZero();
        }
    }

    private static void passes(Plan plan, Batch batch, int count) {
        for (int i = 0; i < count; i++) {
            try (Results results = plan.run(batch, i)) {
                assertThat(results.loss()).isFinite();
            }
        }
    }
}
