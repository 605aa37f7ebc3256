// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.files.NumberedModel;
import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cli.files.SampleData;
import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.formats.DataFile;
import io.backpack4j.formats.ModelSource;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.files.DataSets;
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
 * @param file the data file, open, if it is safetensors
 * @param data that file as the model sees it
 * @param loaded the model and the batch
 */
record EvaluateInputs(
        String json, DType dtype, Optional<Safetensors> file, Optional<DataFile> data, DataFile.Loaded loaded)
        implements AutoCloseable {

    /**
     * Reads a model and its data.
     *
     * @param named a safetensors file with parameters, or a data set without
     * @param weights where the parameters are, if that is neither the model's file nor a safetensors data file
     * @param dtype the type to compute with; that of the data if null
     * @param problems what is wrong elsewhere; what is wrong here is reported together with it
     * @throws BackpackException if there are any problems
     */
    static EvaluateInputs read(
            BackPack backpack,
            ModelOption option,
            String named,
            Optional<Path> weights,
            @Nullable DType dtype,
            Problems problems) {
        return DataSets.isDataSet(named)
                ? ofSamples(backpack, option, named, weights, dtype, problems)
                : ofFile(backpack, option, Path.of(named), dtype, problems);
    }

    private static EvaluateInputs ofSamples(
            BackPack backpack,
            ModelOption option,
            String named,
            Optional<Path> weights,
            @Nullable DType dtype,
            Problems problems) {
        Optional<EvaluateInputs> inputs = attempt(
                () -> {
                    Optional<RunFolder> run = RunFolder.find(option.file());
                    ModelSource source = option.loss()
                            .openWithLoss(
                                    backpack.catalog(),
                                    run.map(RunFolder::model).orElse(option.file()));
                    Optional<Path> numbers = weights.or(() -> run.map(RunFolder::parameters));
                    if (numbers.isEmpty() && source.numbers().isEmpty()) {
                        throw new BackpackException(
                                CommonProblems.INVALID_OPTION,
                                "'%s' has no parameters of the model. Name a safetensors file that has them with --weights, or a folder that 'train' wrote with --model."
                                        .formatted(named));
                    }
                    Normalization bytes = run.map(RunFolder::normalization).orElse(Normalization.UNIT);
                    try (SampleData samples = SampleData.open(backpack, source.description(), named, bytes)) {
                        Model model = NumberedModel.open(
                                backpack,
                                source,
                                numbers.orElse(null),
                                samples.opened().dtype(),
                                dtype,
                                samples.shapes().toArray(Shape[]::new));
                        try {
                            int count = Math.toIntExact(samples.source().samples());
                            Batch batch = samples.batch(backpack, model.dtype(), count);
                            return new EvaluateInputs(
                                    source.json(),
                                    model.dtype(),
                                    Optional.empty(),
                                    Optional.empty(),
                                    new DataFile.Loaded(model, batch, Optional.empty()));
                        } catch (RuntimeException | Error e) {
                            model.close();
                            throw e;
                        }
                    }
                },
                problems);
        return orThrow(inputs, problems);
    }

    private static EvaluateInputs ofFile(
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
                        .map(loaded ->
                                new EvaluateInputs(model.json(), type, Optional.of(file), Optional.of(data), loaded));
            }));
        } finally {
            if (inputs.isEmpty()) {
                opened.ifPresent(Safetensors::close);
            }
        }
        return orThrow(inputs, problems);
    }

    private static EvaluateInputs orThrow(Optional<EvaluateInputs> inputs, Problems problems) {
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
        return data.map(file -> file.operands(scope, dtype)).orElse(RunOperands.NONE);
    }

    Batch batch() {
        return loaded.batch();
    }

    /** Closes the model, the batch and the file. */
    @Override
    public void close() {
        try (Safetensors last = file.orElse(null)) {
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
