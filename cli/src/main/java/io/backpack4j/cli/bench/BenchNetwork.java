// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import io.backpack4j.cli.options.LossOption;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A network with numbers, and the batch that passes take.
 *
 * @param name what reports call it
 * @param model closed with this
 * @param batch closed with this
 * @param wording says a failure to plan in words of where the network came from
 */
record BenchNetwork(String name, Model model, Batch batch, UnaryOperator<BackpackException> wording)
        implements AutoCloseable {

    /** One of those that ship, initialised, with random inputs. */
    static BenchNetwork of(BackPack backpack, BenchProblem problem, DType dtype, int samples, long seed) {
        Model model = backpack.model(problem.model(), dtype, problem.sample());
        try {
            model.parameters().initialize(seed);
            Batch batch = problem.batch(backpack, dtype, samples, seed);
            return new BenchNetwork(problem.id(), model, batch, UnaryOperator.identity());
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** One of a model file, with the inputs, the target and the parameters of a data file. */
    static BenchNetwork read(BackPack backpack, LossOption loss, Path modelFile, Path dataFile, DType dtype) {
        ModelSource source = loss.openWithLoss(backpack.catalog(), modelFile);
        try (Safetensors file = Safetensors.open(dataFile)) {
            DataFile data = new DataFile(dataFile.toString(), file, source.description());
            DataFile.Loaded loaded = data.load(backpack, dtype, source.numbers());
            String name = modelFile.getFileName().toString().replaceFirst("\\.(json|onnx)$", "");
            return new BenchNetwork(name, loaded.model(), loaded.batch(), loaded::inWordsOfTheFile);
        }
    }

    /** Plans a pass. */
    Plan plan(BackPack backpack, List<Request<?>> requests, PassOptions options) {
        try {
            return backpack.plan(model, batch, requests, options);
        } catch (BackpackException e) {
            throw wording.apply(e);
        }
    }

    @Override
    public void close() {
        try (Model first = model) {
            batch.close();
        }
    }
}
