// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.backend.MemoryStatistics;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Pointer;

/**
 * A process that runs passes of a network and tells what it moved: oneDNN prints what it executes, copies of the C
 * library are counted, and so are blocks from the system. A process of its own, because oneDNN prints to the standard
 * output.
 */
public final class CountedPass {

    /** What is asked for beside the gradient. */
    static final Map<String, List<Request<?>>> SETS = sets();

    static final String SET = "counted-set";
    static final String COPIES = "counted-copies";
    static final String ALLOCATIONS = "counted-allocations";

    private static final Shape SAMPLE = Shape.of(3, 32, 32);

    private static long copies;

    private CountedPass() {}

    private static Map<String, List<Request<?>>> sets() {
        Map<String, List<Request<?>>> sets = new LinkedHashMap<>();
        sets.put("gradient", List.of());
        sets.put("BatchGrad", List.of(Request.of(new BatchGrad())));
        sets.put("BatchL2Grad", List.of(Request.of(new BatchL2Grad())));
        sets.put("SumGradSquared", List.of(Request.of(new SumGradSquared())));
        sets.put("Variance", List.of(Request.of(new Variance())));
        sets.put("DiagGGNMC", List.of(Request.of(new DiagGGNMC())));
        sets.put("KFAC", List.of(Request.of(new KFAC())));
        sets.put("DiagGGNExact", List.of(Request.of(new DiagGGNExact())));
        sets.put(
                "Cheap6",
                List.of(
                        Request.of(new BatchL2Grad()),
                        Request.of(new SumGradSquared()),
                        Request.of(new Variance()),
                        Request.of(new DiagGGNMC()),
                        Request.of(new KFAC())));
        return sets;
    }

    /** Stands in for the C library's copy. */
    public static Pointer copy(Pointer to, Pointer from, long bytes) {
        copies++;
        return Pointer.memcpy(to, from, bytes);
    }

    /** The batch size. */
    public static void main(String... arguments) {
        ModelDescription description = network();
        int batchSize = Integer.parseInt(arguments[0]);
        Random random = new Random(3);
        float[] inputs = new float[batchSize * (int) SAMPLE.elements()];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = (float) random.nextGaussian();
        }
        long[] labels = random.longs(batchSize, 0, 10).toArray();
        try (BackPack backpack = BackPack.builder()
                        .classLoader(new CopyCountingLoader())
                        .backend("cpu")
                        .threads(2)
                        .build();
                Model model = backpack.model(description, DType.FLOAT32, SAMPLE);
                Batch batch = backpack.batch(DType.FLOAT32, inputs, SAMPLE.prepend(batchSize), labels)) {
            model.parameters().initialize(1);
            SETS.forEach((name, requests) -> {
                Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT);
                run(plan, batch, 3);
                MemoryStatistics before = backpack.backend().memory();
                copies = 0;
                System.out.println(SET + "," + name);
                System.out.flush();
                dnnl.dnnl_set_verbose(1);
                run(plan, batch, 1);
                dnnl.dnnl_set_verbose(0);
                System.out.println(COPIES + "," + copies);
                System.out.println(ALLOCATIONS + ","
                        + (backpack.backend().memory().systemAllocations() - before.systemAllocations()));
                System.out.flush();
            });
        }
    }

    /** 3C3D as the command line's benchmark has it. */
    private static ModelDescription network() {
        try (InputStream in = CountedPass.class.getResourceAsStream("/io/backpack4j/cli/problems/3c3d.json")) {
            String json = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            return ModelFile.parse(json, "3c3d.json");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void run(Plan plan, Batch batch, int times) {
        for (int i = 0; i < times; i++) {
            try (Results results = plan.run(batch, i)) {
                if (!Double.isFinite(results.loss())) {
                    throw new IllegalStateException("The loss is " + results.loss());
                }
            }
        }
    }
}
