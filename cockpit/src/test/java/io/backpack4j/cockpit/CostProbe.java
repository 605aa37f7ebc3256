// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Prints what tracking costs. No test: run it by its name, with {@code COST=problem:quantities@…} in the environment.
 */
class CostProbe {

    private static final String MNIST_MLP = """
            {"nodes": [{"name": "0", "type": "Flatten", "inputs": ["input"]},
            {"name": "1", "type": "Linear", "in_features": 784, "out_features": 1000, "inputs": ["0"]}, {"name": "2", "type": "ReLU", "inputs": ["1"]},
            {"name": "3", "type": "Linear", "in_features": 1000, "out_features": 500, "inputs": ["2"]}, {"name": "4", "type": "ReLU", "inputs": ["3"]},
            {"name": "5", "type": "Linear", "in_features": 500, "out_features": 100, "inputs": ["4"]}, {"name": "6", "type": "ReLU", "inputs": ["5"]},
            {"name": "7", "type": "Linear", "in_features": 100, "out_features": 10, "inputs": ["6"]}],
            "output": "7", "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";

    @Test
    void cost() throws Exception {
        for (String each :
                System.getenv().getOrDefault("COST", "mnist_mlp:economy").split("@")) {
            String problem = each.substring(0, each.indexOf(':'));
            measure(problem, each.substring(each.indexOf(':') + 1));
        }
    }

    private static void measure(String problem, String quantities) throws Exception {
        Shape sample = problem.equals("3c3d") ? Shape.of(3, 32, 32) : Shape.of(1, 28, 28);
        String json = problem.equals("mnist_mlp")
                ? MNIST_MLP
                : Files.readString(
                        Path.of("../cli/src/main/resources/io/backpack4j/cli/problems/" + problem + ".json"));
        ModelDescription description = ModelFile.parse(json, problem);
        int samples = 128;
        Random random = new Random(1);
        float[] inputs = new float[(int) sample.elements() * samples];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = (float) random.nextGaussian();
        }
        long[] labels = random.ints(samples, 0, 10).asLongStream().toArray();
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(description, DType.FLOAT32, sample);
                Batch batch = backpack.batch(DType.FLOAT32, inputs, sample.prepend(samples), labels);
                Cockpit cockpit =
                        Cockpit.builder(backpack, model).quantities(quantities).open()) {
            List<Double> plain = new ArrayList<>();
            List<Double> tracked = new ArrayList<>();
            long step = 0;
            int repetitions = 15;
            for (int i = 0; i < repetitions; i++) {
                long start = now();
                try (Results results = backpack.plan(model, batch, List.of(), PassOptions.DEFAULT)
                        .run(batch, RunOptions.seed(0))) {
                    descend(backpack, model, results);
                }
                plain.add((now() - start) / 1e6);
                start = now();
                StepRequest request = cockpit.request(step, batch, PlannedUpdate.descent(1e-3));
                try (Results results = request.run(backpack, model, batch)) {
                    cockpit.track(step, results);
                    descend(backpack, model, results);
                    cockpit.stepped(step);
                }
                step++;
                tracked.add((now() - start) / 1e6);
            }
            System.out.printf(
                    "COST %s %s plain %.1f (min %.1f) tracked %.1f (min %.1f) ratio %.2f (of minima %.2f)%n",
                    problem,
                    quantities,
                    median(plain),
                    least(plain),
                    median(tracked),
                    least(tracked),
                    median(tracked) / median(plain),
                    least(tracked) / least(plain));
        }
    }

    /** Time of all the process's threads, which other processes disturb least. */
    private static long now() {
        return ((com.sun.management.OperatingSystemMXBean)
                        java.lang.management.ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private static void descend(BackPack backpack, Model model, Results results) {
        for (String name : model.parameters().trainable()) {
            backpack.backend()
                    .elementwise()
                    .addScaled(-1e-3, results.gradient(name), model.parameters().get(name));
        }
    }

    private static double median(List<Double> times) {
        double[] sorted =
                times.stream().skip(3).mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    private static double least(List<Double> times) {
        return Arrays.stream(
                        times.stream().skip(3).mapToDouble(Double::doubleValue).toArray())
                .min()
                .orElseThrow();
    }
}
