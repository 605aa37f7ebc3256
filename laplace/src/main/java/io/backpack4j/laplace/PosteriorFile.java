// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SafetensorsWriterBuilder;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A posterior as a safetensors file: curvature as float64 tensors, everything else as metadata. */
final class PosteriorFile {

    private static final String FORMAT = "backpack4j-laplace-1";

    private PosteriorFile() {}

    static void write(Path path, FittedModel about, Curvature curvature, double priorPrecision, double sigma) {
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(path)
                .metadata("format", FORMAT)
                .metadata("structure", about.structure().name())
                .metadata("likelihood", about.likelihood().name())
                .metadata("parameters", String.join("\n", about.names()))
                .metadata("samples", String.valueOf(about.samples()))
                .metadata("loss", String.valueOf(about.loss()))
                .metadata("model", about.fingerprint())
                .metadata("prior_precision", String.valueOf(priorPrecision))
                .metadata("sigma", String.valueOf(sigma));
        Map<String, Numbers> tensors = curvature.tensors();
        tensors.forEach((name, numbers) -> builder.tensor(name, DType.FLOAT64, numbers.shape()));
        try (SafetensorsWriter writer = builder.open()) {
            tensors.forEach((name, numbers) -> writer.write(name, 0, numbers.values(), 0, numbers.values().length));
            writer.commit();
        }
    }

    static Posterior read(Path path, BackPack backpack, Model model) {
        try (Safetensors file = Safetensors.open(path)) {
            Map<String, String> metadata = file.metadata();
            if (!FORMAT.equals(metadata.get("format"))) {
                throw wrong(path, "format", metadata.get("format"));
            }
            FittedModel about = new FittedModel(
                    word(path, metadata, "structure", Structure.class),
                    word(path, metadata, "likelihood", Likelihood.class),
                    List.of(text(path, metadata, "parameters").split("\n")),
                    (long) number(path, metadata, "samples"),
                    number(path, metadata, "loss"),
                    text(path, metadata, "model"));
            about.requireFingerprint(model);
            if (Likelihood.of(backpack, model) != about.likelihood()
                    || !model.parameters().trainable().containsAll(about.names())) {
                throw new BackpackException(
                        LaplaceProblems.POSTERIOR_MISMATCH,
                        "%s is of another model: of %s with the parameters %s."
                                .formatted(path, about.likelihood(), about.names()));
            }
            Map<String, Numbers> tensors = new LinkedHashMap<>();
            file.tensors().forEach((name, tensor) -> {
                double[] values = file.readDoubles(name);
                if (!Arrays.stream(values).allMatch(Double::isFinite)) {
                    throw wrong(path, name, "not finite");
                }
                tensors.put(name, new Numbers(tensor.shape(), values));
            });
            Curvature curvature = Curvature.of(
                    backpack.backend(), about.structure(), FittedModel.sizes(model, about.names()), tensors);
            return new Posterior(
                    backpack,
                    model,
                    about,
                    curvature,
                    number(path, metadata, "prior_precision"),
                    number(path, metadata, "sigma"));
        }
    }

    private static String text(Path path, Map<String, String> metadata, String key) {
        String text = metadata.get(key);
        if (text == null) {
            throw wrong(path, key, null);
        }
        return text;
    }

    private static double number(Path path, Map<String, String> metadata, String key) {
        String text = text(path, metadata, key);
        try {
            double number = Double.parseDouble(text);
            if (Double.isFinite(number)) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw wrong(path, key, text);
        }
        throw wrong(path, key, text);
    }

    private static <E extends Enum<E>> E word(Path path, Map<String, String> metadata, String key, Class<E> type) {
        String text = text(path, metadata, key);
        for (E constant : type.getEnumConstants()) {
            if (constant.name().equals(text)) {
                return constant;
            }
        }
        throw wrong(path, key, text);
    }

    private static BackpackException wrong(Path path, String key, @Nullable String value) {
        return new BackpackException(
                LaplaceProblems.POSTERIOR_MISMATCH,
                "%s is no posterior of this version: its '%s' is %s.".formatted(path, key, value));
    }
}
