// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.formats.FormatProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.training.data.Normalization;
import io.backpack4j.training.files.NormalizationFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The folder of a training run: {@code run.jsonl}, {@code model.json}, {@code model.safetensors}, {@code inputs.json},
 * {@code checkpoint/} and {@code report.html}.
 *
 * @param folder where it is
 */
public record RunFolder(Path folder) {

    private static final String MODEL = "model.json";

    /** The run that a path names, if it is a folder with a model in it. */
    public static Optional<RunFolder> find(Path path) {
        return Files.isDirectory(path) && Files.exists(path.resolve(MODEL))
                ? Optional.of(new RunFolder(path))
                : Optional.empty();
    }

    /** Makes the folder if it is not there. */
    public void create() {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new BackpackException(
                    FormatProblems.UNWRITABLE_FILE,
                    "The folder '%s' cannot be made: %s. Name another place with --out.".formatted(folder, e),
                    e);
        }
    }

    /** The network. */
    public Path model() {
        return folder.resolve(MODEL);
    }

    /** Its numbers. */
    public Path parameters() {
        return folder.resolve("model.safetensors");
    }

    /** How bytes become inputs. */
    public Path inputs() {
        return folder.resolve("inputs.json");
    }

    /** What bytes become: numbers from 0 to 1 if the run does not say. */
    public Normalization normalization() {
        return Files.exists(inputs()) ? NormalizationFile.read(inputs()) : Normalization.UNIT;
    }

    /** What happened, line by line. */
    public Path log() {
        return folder.resolve("run.jsonl");
    }

    /** The page. */
    public Path report() {
        return folder.resolve("report.html");
    }

    /** The checkpoints. */
    public Path checkpoints() {
        return folder.resolve("checkpoint");
    }
}
