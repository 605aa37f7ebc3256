// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Prediction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** ONNX files of other programs, each with what ONNX Runtime computes with it. */
final class Fixtures {

    private Fixtures() {}

    /** The folder, or another that a property names. */
    static Path folder() {
        return Path.of(System.getProperty("onnx.fixtures", "src/test/resources/fixtures"));
    }

    static List<Path> all() {
        try (Stream<Path> files = Files.list(folder())) {
            return files.filter(file -> file.toString().endsWith(".onnx"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Safetensors data(Path file) {
        return Safetensors.open(Path.of(file.toString().replace(".onnx", ".safetensors")));
    }

    /** What this library computes with a model, row-major. */
    static double[] predict(BackPack backpack, ForeignModel foreign, Safetensors data) {
        Shape[] shapes = foreign.inputs().values().toArray(Shape[]::new);
        try (Model model = backpack.model(backpack.catalog().graph(foreign.description()), DType.FLOAT64, shapes)) {
            foreign.numbers().fill(model.parameters());
            try (Batch batch = batch(backpack, foreign, data);
                    Prediction prediction = backpack.predict(model, batch)) {
                return prediction.output().toDoubleArray();
            }
        }
    }

    static Batch batch(BackPack backpack, ForeignModel foreign, Safetensors data) {
        BatchBuilder builder = backpack.batch(DType.FLOAT64);
        for (String input : foreign.inputs().keySet()) {
            TensorInfo tensor = data.tensor(input);
            if (tensor.type().isFloating()) {
                builder.input(input, tensor.shape(), data.readDoubles(input));
            } else {
                builder.input(input, tensor.shape(), data.readLongs(input));
            }
        }
        return builder.build();
    }
}
