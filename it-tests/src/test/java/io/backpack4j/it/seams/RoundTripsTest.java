// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cuda.EmulatedCuda;
import io.backpack4j.backend.cuda.EmulationRequired;
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
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What goes from the host to a device and back, counted on an emulated one. */
@EmulationRequired
class RoundTripsTest {

    private static final Shape SAMPLE = Shape.of(2, 8, 7);

    /**
     * KFRA has no form for networks such as this one. Low-rank curvature looks at eigenvalues on the host between its
     * stages, and does not merge over chunks.
     */
    private static final Set<String> OTHERS = Set.of(
            "KFRA",
            "GgnEigenvalues",
            "GgnEigenvectors",
            "DirectionalDerivatives",
            "DirectionalDampedNewton",
            "GramBatchGrad",
            "CenteredBatchGrad",
            "CenteredGramBatchGrad",
            "GramSqrtGGNExact",
            "GramSqrtGGNMC",
            "Ntk");

    private static Graph graph() {
        return Graph.sequential(
                Conv.of(2, 2, 6, 3).withPadding(1),
                new ReLU(),
                MaxPool.of(2, 2),
                BatchNorm.of(2, 6, Mode.EVAL),
                Conv.of(2, 6, 8, 3).withGroups(2).withPadding(1),
                new Sigmoid(),
                ConvTranspose.of(2, 8, 4, 2).withStride(2),
                AvgPool.of(2, 2),
                new Flatten(),
                new Linear(48, 5));
    }

    private static List<Request<?>> everything(BackPack backpack) {
        List<Request<?>> requests = new ArrayList<>();
        for (String type : backpack.catalog().extensionTypes()) {
            if (!OTHERS.contains(type)) {
                requests.add(backpack.catalog().request(type, Map.of()));
            }
        }
        return requests;
    }

    @ParameterizedTest
    @CsvSource({"FLOAT32, 8, 8", "FLOAT32, 8, 3", "FLOAT64, 8, 8", "FLOAT32, 24, 24"})
    @DisplayName("inputs go up once, results come down when asked for, and nothing comes down in between")
    void passes_make_no_round_trips(DType dtype, int samples, long chunk) {
        try (BackPack backpack = BackPack.builder()
                .classLoader(EmulatedCuda.loader())
                .backend(EmulatedCuda.ID)
                .build()) {
            Backend backend = backpack.backend();
            Random random = new Random(3);
            float[] inputs = new float[samples * (int) SAMPLE.elements()];
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = (float) random.nextGaussian();
            }
            long[] labels = random.longs(samples, 0, 5).toArray();
            try (Model model = backpack.model(graph(), new CrossEntropyLoss(LossReduction.MEAN), dtype, SAMPLE)) {
                model.parameters().initialize(1);
                long before = EmulatedCuda.uploads(backend);
                try (Batch batch = backpack.batch(dtype, inputs, SAMPLE.prepend(samples), labels)) {
                    assertThat(EmulatedCuda.uploads(backend) - before)
                            .as("uploads of inputs and targets")
                            .isEqualTo(2);
                    List<Request<?>> requests = everything(backpack);
                    assertThat(requests).hasSizeGreaterThan(8);
                    Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT.chunk(chunk));
                    pass(plan, batch, backend);
                    MemoryStatistics warm = backend.memory();
                    pass(plan, batch, backend);
                    assertThat(backend.memory().systemAllocations()).isEqualTo(warm.systemAllocations());
                    assertThat(backend.memory().usedBytes()).isEqualTo(warm.usedBytes());
                }
            }
        }
    }

    private static void pass(Plan plan, Batch batch, Backend backend) {
        long uploads = EmulatedCuda.uploads(backend);
        long downloads = EmulatedCuda.downloads(backend);
        try (Results results = plan.run(batch, 5)) {
            assertThat(EmulatedCuda.downloads(backend) - downloads)
                    .as("downloads within a pass: whether its results are finite, asked in the end")
                    .isEqualTo(1);
            System.out.printf("uploads within a pass: %d%n", EmulatedCuda.uploads(backend) - uploads);
            assertThat(results.tensors()).isNotEmpty();
            results.tensors()
                    .values()
                    .forEach(tensor -> assertThat(tensor.toDoubleArray()).doesNotContain(Double.NaN));
            assertThat(EmulatedCuda.downloads(backend) - downloads)
                    .as("downloads of results")
                    .isEqualTo(results.tensors().size() + 1);
        }
    }
}
