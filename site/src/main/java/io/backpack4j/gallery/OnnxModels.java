// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.formats.ModelFormat;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.Conv2d;
import io.backpack4j.modules.conv.MaxPool2d;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Models as ONNX files.
 *
 * <p>A network is written as ONNX and read back, as one that PyTorch or TensorFlow exported would be. The file has the
 * numbers; the loss comes from us. Both compute the same.
 */
public final class OnnxModels {

    private OnnxModels() {}

    public static void main(String[] arguments) throws IOException {
        Path file = Files.createTempDirectory("onnx").resolve("net.onnx");
        Graph graph =
                Graph.sequential(Conv2d.of(1, 4, 5), new ReLU(), MaxPool2d.of(2), new Flatten(), new Linear(576, 10));
        try (BackPack backpack = BackPack.create();
                Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch batch = Digits.batch(backpack, DType.FLOAT32, 0, 16)) {
            model.parameters().initialize(0);
            ModelFormat onnx = ModelSource.format(backpack.catalog(), file).orElseThrow();
            onnx.write(file, model);
            System.out.println("net.onnx: " + Files.size(file) / 1024 + " KiB");

            ModelSource source = ModelSource.open(
                    backpack.catalog(), file, Optional.of(ModelSource.loss("CrossEntropyLoss(reduction=mean)")));
            try (Model read = backpack.model(source.description(), DType.FLOAT32, Shape.of(1, 28, 28))) {
                source.numbers().orElseThrow().fill(read.parameters());
                read.layers().forEach(layer -> System.out.println(layer.name() + "  " + layer.type()));
                try (Results first = backpack.compute(model, batch, new BatchL2Grad());
                        Results second = backpack.compute(read, batch, new BatchL2Grad())) {
                    System.out.printf("losses %.6f and %.6f%n", first.loss(), second.loss());
                }
            }
        }
    }
}
