// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SafetensorsWriterBuilder;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A valid model with valid data, to be damaged.
 *
 * @param model JSON
 * @param data safetensors
 * @param extensions what to compute
 */
record FuzzProblem(byte[] model, byte[] data, List<String> extensions) {

    private static final int SAMPLES = 3;

    private static final String PERCEPTRON = """
            {"nodes": [{"name": "0", "type": "Flatten"},
                       {"name": "1", "type": "Linear", "in_features": 4, "out_features": 3, "bias": true},
                       {"name": "2", "type": "Sigmoid"},
                       {"name": "3", "type": "Linear", "in_features": 3, "out_features": 2}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";

    private static final String CONVOLUTIONS = """
            {"nodes": [{"name": "0", "type": "Conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": [3, 2], "stride": 1,
                        "padding": [1, 1], "dilation": [1, 1], "groups": 1, "bias": true, "inputs": ["input"]},
                       {"name": "1", "type": "BatchNorm2d", "num_features": 2, "eps": 1e-5, "momentum": 0.1, "affine": true, "mode": "eval"},
                       {"name": "2", "type": "ReLU"},
                       {"name": "3", "type": "MaxPool2d", "kernel_size": 2, "stride": [2, 1], "padding": 0, "ceil_mode": false},
                       {"name": "4", "type": "ZeroPad2d", "padding": [1, 0, 0, 1]},
                       {"name": "5", "type": "ConvTranspose2d", "in_channels": 2, "out_channels": 2, "kernel_size": 2, "output_padding": 0},
                       {"name": "6", "type": "AdaptiveAvgPool2d", "output_size": [2, 2]},
                       {"name": "7", "type": "Dropout", "p": 0.5, "mode": "eval"},
                       {"name": "8", "type": "Flatten", "start_dim": 1, "end_dim": -1},
                       {"name": "9", "type": "Linear", "in_features": 8, "out_features": 2}],
             "output": "9", "loss": {"type": "CrossEntropyLoss", "reduction": "sum"}}""";

    private static final String BRANCHES = """
            {"nodes": [{"name": "a", "type": "Linear", "in_features": 4, "out_features": 4, "inputs": ["input"]},
                       {"name": "b", "type": "ELU", "alpha": 0.5},
                       {"name": "c", "type": "Sum", "inputs": ["b", "input"]},
                       {"name": "d", "type": "Linear", "in_features": 4, "out_features": 4, "bias": false, "requires_grad": ["weight"],
                        "tie": {"weight": "a.weight"}},
                       {"name": "e", "type": "Concat", "dim": 1, "inputs": ["c", "d"]},
                       {"name": "f", "type": "Permute", "dims": [0, 2, 1]},
                       {"name": "g", "type": "Slice", "slices": [[null, null, null], [0, 4, 2], 1]},
                       {"name": "h", "type": "Scale", "weight": 2.0},
                       {"name": "i", "type": "Linear", "in_features": 2, "out_features": 2}],
             "inputs": ["input"], "output": "i", "loss": {"type": "MSELoss", "reduction": "mean"}}""";

    private static final List<String> EXTENSIONS = List.of(
            "",
            "BatchGrad,Variance",
            "SumGradSquared,BatchL2Grad",
            "DiagGGNMC(mc_samples=2)",
            "BatchGrad(subsampling=[0,2],as=x)",
            "DiagGGNExact,BatchDiagGGNExact",
            "SqrtGGNExact",
            "DiagHessian",
            "KFAC,KFLR",
            "KFRA",
            "GGNMP,HMP");

    /** All problems. */
    static List<FuzzProblem> all(Path directory) {
        try (BackPack backpack = BackPack.builder().backend("cpu").threads(1).build()) {
            return List.of(
                    of(backpack, directory, PERCEPTRON, Shape.of(4), true),
                    of(backpack, directory, CONVOLUTIONS, Shape.of(1, 5, 4), true),
                    of(backpack, directory, BRANCHES, Shape.of(2, 4), false));
        }
    }

    private static FuzzProblem of(BackPack backpack, Path directory, String json, Shape sample, boolean classes) {
        ModelDescription description = ModelFile.parse(json, "model");
        Graph graph = backpack.catalog().graph(description);
        Map<String, Shape> shapes = new LinkedHashMap<>();
        shapes.put("input", sample.prepend(SAMPLES));
        backpack.parameters(graph, sample).forEach((name, spec) -> {
            // A file may lack what only counts.
            if (!spec.isInteger()) {
                shapes.put(name, spec.shape());
                shapes.put("vec/" + name, spec.shape().prepend(2));
            }
        });
        if (!classes) {
            shapes.put("target", Shape.of(SAMPLES, 2));
        }
        Path file = directory.resolve("valid.safetensors");
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(file).metadata("source", "fuzz");
        shapes.forEach((name, shape) -> builder.tensor(name, DType.FLOAT64, shape));
        if (classes) {
            builder.tensor("target", DType.INT64, Shape.of(SAMPLES));
        }
        Random random = new Random(1);
        try (SafetensorsWriter writer = builder.open()) {
            shapes.forEach((name, shape) -> {
                double[] values = random.doubles(shape.elements(), 0.1, 1).toArray();
                writer.write(name, 0, values, 0, values.length);
            });
            if (classes) {
                writer.write("target", 0, new long[] {0, 1, 0}, 0, SAMPLES);
            }
            writer.commit();
        }
        try {
            byte[] data = Files.readAllBytes(file);
            Files.delete(file);
            return new FuzzProblem(json.getBytes(StandardCharsets.UTF_8), data, EXTENSIONS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
