// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What {@code evaluate} reads.
 *
 * @param json the model as it is in its file
 * @param dtype the type to compute with
 * @param file the data file, open
 * @param data the data file as the model sees it
 * @param loaded the model and the batch
 */
record EvaluateInputs(String json, DType dtype, Safetensors file, DataFile data, DataFile.Loaded loaded)
        implements AutoCloseable {

    /**
     * Reads a model and its data.
     *
     * @param dtype the type to compute with; that of the data if null
     * @param problems what is wrong elsewhere; what is wrong here is reported together with it
     * @throws BackpackException if there are any problems
     */
    static EvaluateInputs read(
            BackPack backpack, ModelOption option, Path dataFile, @Nullable DType dtype, Problems problems) {
        Optional<ModelSource> source =
                attempt(() -> option.loss().openWithLoss(backpack.catalog(), option.file()), problems);
        Optional<Safetensors> opened = attempt(() -> Safetensors.open(dataFile), problems);
        Optional<EvaluateInputs> inputs = Optional.empty();
        try {
            inputs = opened.flatMap(file -> source.flatMap(model -> {
                DataFile data = new DataFile(dataFile.toString(), file, model.description());
                DType type = dtype == null ? model.dtype(data.dtype()) : dtype;
                return attempt(() -> data.load(backpack, type, model.numbers()), problems)
                        .map(loaded -> new EvaluateInputs(model.json(), type, file, data, loaded));
            }));
        } finally {
            if (inputs.isEmpty()) {
                opened.ifPresent(Safetensors::close);
            }
        }
        if (!problems.isEmpty()) {
            inputs.ifPresent(EvaluateInputs::close);
        }
        problems.throwIfAny();
        return inputs.orElseThrow();
    }

    /** Plans a pass. What does not fit is said in words of the files. */
    Plan plan(BackPack backpack, List<Request<?>> requests, PassOptions options) {
        try {
            return backpack.plan(loaded.model(), loaded.batch(), requests, options);
        } catch (BackpackException e) {
            throw loaded.inWordsOfTheFile(e);
        }
    }

    /** The operands that a data file brings, in a scope. */
    RunOperands operands(TensorScope scope) {
        return data.operands(scope, dtype);
    }

    Batch batch() {
        return loaded.batch();
    }

    /** Closes the model, the batch and the file. */
    @Override
    public void close() {
        try (Safetensors last = file) {
            loaded.close();
        }
    }

    private static <T> Optional<T> attempt(Supplier<T> action, Problems problems) {
        try {
            return Optional.of(action.get());
        } catch (BackpackException e) {
            problems.collect(() -> {
                throw e;
            });
            return Optional.empty();
        }
    }
}
