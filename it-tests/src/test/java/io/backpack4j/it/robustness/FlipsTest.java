// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cuda.EmulatedCuda;
import io.backpack4j.ext.secondorder.SqrtGGNMC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Backends and element types draw the same Monte-Carlo labels, unless a uniform number falls between two roundings of a
 * cumulated probability. Labels that differ are counted. In float64 there should be none. In float32 a cumulated
 * probability of C classes is wrong by some 1e-8 to 1e-7, so that about C times as many of the draws may differ. {@code
 * -Dflips.passes=} draws more.
 */
class FlipsTest {

    private static final int PASSES = Integer.getInteger("flips.passes", 2);
    private static final int N = 2048;
    private static final int FEATURES = 20;
    private static final int CLASSES = 10;
    private static final int DRAWS = 32;

    /**
     * What the roundings explain with ten classes, and the error of oneDNN's softmax, of which 8 in 1,048,576 were
     * seen.
     */
    private static final double RATE_FLOAT32 = 1e-5;

    /** Counts of rare events scatter with the root of their mean. */
    private static final double DEVIATIONS = 4;

    @TempDir
    private Path folder;

    @Test
    void labels_do_not_depend_on_the_backend() throws IOException {
        Map<String, byte[]> labels = new LinkedHashMap<>();
        try (URLClassLoader loader = FaultyPlugin.loader(folder)) {
            for (DType dtype : List.of(DType.FLOAT64, DType.FLOAT32)) {
                labels.put("cpu onednn " + dtype, drawn(cpu("onednn"), dtype));
                labels.put("cpu nd4j " + dtype, drawn(cpu("nd4j"), dtype));
                labels.put(
                        "heap " + dtype,
                        drawn(BackPack.builder().classLoader(loader).backend("heap"), dtype));
                if (EmulatedCuda.missing().isEmpty()) {
                    labels.put(
                            "cuda-emulated " + dtype,
                            drawn(
                                    BackPack.builder()
                                            .classLoader(EmulatedCuda.loader())
                                            .backend(EmulatedCuda.ID),
                                    dtype));
                }
            }
        }
        byte[] reference = labels.get("cpu nd4j FLOAT64");
        int draws = reference.length;
        assertThat(draws).isEqualTo(PASSES * N * DRAWS);
        assertThat(flips(reference, Arrays.copyOfRange(reference, 1, draws + 1)))
                .as("differences of independent labels")
                .isGreaterThan(draws / 2);
        labels.forEach((name, own) -> {
            long flips = flips(reference, own);
            Figures.row("Monte-Carlo labels, " + name, "%d of %,d are others than in float64 on the CPU", flips, draws);
            assertThat(flips).as(name).isLessThanOrEqualTo(name.endsWith("FLOAT64") ? 0 : most(RATE_FLOAT32 * draws));
        });
    }

    private static BackPack.Builder cpu(String kernels) {
        return BackPack.builder().backend("cpu").threads(1).properties(Map.of("backpack.cpu.kernels", kernels));
    }

    private static long most(double mean) {
        return (long) Math.ceil(mean + DEVIATIONS * Math.sqrt(mean));
    }

    private static long flips(byte[] one, byte[] other) {
        long flips = 0;
        for (int i = 0; i < one.length; i++) {
            flips += one[i] != other[i] ? 1 : 0;
        }
        return flips;
    }

    /**
     * The labels that a network draws: they can be read off the roots √(c/M) (p − onehot(label)) at the last bias,
     * whose only negative entry is at the label.
     */
    private static byte[] drawn(BackPack.Builder builder, DType dtype) {
        byte[] labels = new byte[PASSES * N * DRAWS];
        Graph graph = Graph.sequential(new Linear(FEATURES, CLASSES));
        List<Request<?>> requests = List.of(Request.of(new SqrtGGNMC(DRAWS)).only("0.bias"));
        try (BackPack backpack = builder.build();
                Model model = backpack.model(graph, new CrossEntropyLoss(), dtype, Shape.of(FEATURES))) {
            Random random = new Random(3);
            model.parameters().set("0.weight", normal(random, FEATURES * CLASSES));
            model.parameters().set("0.bias", normal(random, CLASSES));
            for (int pass = 0; pass < PASSES; pass++) {
                try (Batch batch = backpack.batch(dtype)
                                .input(Graph.INPUT, Shape.of(N, FEATURES), normal(random, N * FEATURES))
                                .targets(Shape.of(N), new long[N])
                                .sampleIds(LongStream.range((long) pass * N, (pass + 1L) * N)
                                        .toArray())
                                .build();
                        Results results = backpack.plan(model, batch, requests, PassOptions.DEFAULT)
                                .run(batch, 17)) {
                    double[] roots = results.tensors().get("0.bias/sqrt_ggn_mc").toDoubleArray();
                    for (int draw = 0; draw < N * DRAWS; draw++) {
                        labels[pass * N * DRAWS + draw] = (byte) smallest(roots, draw * CLASSES);
                    }
                }
            }
        }
        return labels;
    }

    private static int smallest(double[] values, int from) {
        int smallest = 0;
        for (int i = 1; i < CLASSES; i++) {
            smallest = values[from + i] < values[from + smallest] ? i : smallest;
        }
        return smallest;
    }

    /** Numbers that float32 holds exactly, so that all networks are one. */
    private static double[] normal(Random random, int count) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (random.nextGaussian() / 2);
        }
        return values;
    }
}
