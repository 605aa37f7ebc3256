// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.inspect;

import io.backpack4j.cli.files.ModelAndBatch;
import io.backpack4j.cli.options.InputShapes;
import io.backpack4j.cli.options.LossOption;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model and a batch for it: those of a data file, or numbers that are drawn.
 *
 * @param model the model
 * @param batch the batch
 */
record InspectedModel(Model model, Batch batch) implements AutoCloseable {

    /** Model and batch of files. What is wrong elsewhere is reported together with what is wrong here. */
    static InspectedModel read(
            BackPack backpack,
            LossOption loss,
            Path modelFile,
            String data,
            @Nullable Integer samples,
            @Nullable DType dtype,
            Problems problems) {
        List<InspectedModel> read = new ArrayList<>();
        List<ModelSource> sources = new ArrayList<>();
        problems.collect(() -> sources.add(loss.openWithLoss(backpack.catalog(), modelFile)));
        problems.collect(() -> {
            for (ModelSource source : sources) {
                ModelAndBatch loaded = ModelAndBatch.read(backpack, source, data, dtype, samples, 0);
                read.add(new InspectedModel(loaded.model(), loaded.batch()));
            }
        });
        return orThrow(read, problems);
    }

    /** The model of a file, and a batch of drawn numbers. */
    static InspectedModel draw(
            BackPack backpack,
            LossOption loss,
            Path modelFile,
            List<String> shapes,
            int samples,
            DType dtype,
            Problems problems) {
        List<InspectedModel> read = new ArrayList<>();
        problems.collect(() -> {
            ModelSource source = loss.openWithLoss(backpack.catalog(), modelFile);
            ModelDescription description = source.description();
            List<Shape> inputs = InputShapes.read(shapes, description.inputs(), source.inputs());
            Model model = backpack.model(description, dtype, inputs.toArray(Shape[]::new));
            try {
                model.parameters().initialize(0);
                read.add(new InspectedModel(model, new StandInBatch(backpack, model, samples).make()));
            } finally {
                if (read.isEmpty()) {
                    model.close();
                }
            }
        });
        return orThrow(read, problems);
    }

    private static InspectedModel orThrow(List<InspectedModel> read, Problems problems) {
        if (!problems.isEmpty()) {
            read.forEach(InspectedModel::close);
        }
        problems.throwIfAny();
        return read.get(0);
    }

    /** Closes both. */
    @Override
    public void close() {
        try (Model first = model) {
            batch.close();
        }
    }
}
