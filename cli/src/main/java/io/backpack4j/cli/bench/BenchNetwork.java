// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import io.backpack4j.cli.files.ModelAndBatch;
import io.backpack4j.cli.options.LossOption;
import io.backpack4j.formats.ModelSource;
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
import org.jspecify.annotations.Nullable;

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

    /**
     * One of a model file, with data of another.
     *
     * @param samples how many of a data set; null for all
     */
    static BenchNetwork read(
            BackPack backpack,
            LossOption loss,
            Path modelFile,
            String data,
            DType dtype,
            @Nullable Integer samples,
            long seed) {
        ModelSource source = loss.openWithLoss(backpack.catalog(), modelFile);
        ModelAndBatch read = ModelAndBatch.read(backpack, source, data, dtype, samples, seed);
        String name = modelFile.getFileName().toString().replaceFirst("\\.(json|onnx)$", "");
        return new BenchNetwork(name, read.model(), read.batch(), read.wording());
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
