// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.formats.FormatProblems;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A result file in the making: opened before the pass, so that what prevents it is known early. It appears when all
 * results are in it.
 */
public final class ResultFile implements AutoCloseable {

    private final io.backpack4j.formats.ResultFile file;

    private ResultFile(io.backpack4j.formats.ResultFile file) {
        this.file = file;
    }

    /** @param finite whether all numbers must be finite */
    public static ResultFile open(
            Path path, Map<String, Plan.ResultType> results, Map<String, String> metadata, boolean finite) {
        return new ResultFile(io.backpack4j.formats.ResultFile.open(path, results, metadata, (name, from, range) -> {
            if (finite) {
                require(name, from, range);
            }
        }));
    }

    /** Requires that the result file's name says what is written. */
    public static void requireEnding(Path resultFile) {
        FileNames.requireExtension(
                "--out",
                resultFile,
                "Results are written as safetensors or npz",
                io.backpack4j.formats.ResultFile.ENDINGS.toArray(String[]::new));
    }

    /** Requires that the result file is not one that is read. */
    public static void requireOther(Path resultFile, Path input) {
        requireOther("--out", resultFile, input);
    }

    /**
     * Requires that a file that is written is not one that is read.
     *
     * @param option names the file that is written
     */
    public static void requireOther(String option, Path resultFile, Path input) {
        try {
            if (Files.exists(resultFile) && Files.exists(input) && Files.isSameFile(resultFile, input)) {
                throw new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "%s names '%s', which is an input. Name another file.".formatted(option, input));
            }
        } catch (IOException e) {
            throw new BackpackException(
                    FormatProblems.INVALID_FILE, "File '%s' cannot be read: %s.".formatted(input, e.getMessage()), e);
        }
    }

    /** Writes the tensors of a pass. */
    public void write(Results results) {
        results.tensors().forEach(this::write);
    }

    /** Puts the file, in which everything is, in its place. */
    public void commit() {
        file.commit();
    }

    /** Writes one tensor. */
    public void write(String name, Tensor tensor) {
        file.write(name, tensor);
    }

    /** Writes a part of one tensor, as {@link io.backpack4j.kernel.ResultTaker} has it, where it belongs. */
    public void write(String name, Shape whole, long[] origin, Tensor part) {
        file.take(name, whole, origin, part);
    }

    /**
     * What a pass looks at before is fewer: results of single samples, and products, are seen here for the first time.
     */
    private static void require(String name, long from, double... range) {
        for (int i = 0; i < range.length; i++) {
            if (!Double.isFinite(range[i])) {
                throw new BackpackException(
                        CommonProblems.NOT_FINITE,
                        "Result '%s' is %s at element %d. Use smaller numbers or --dtype float64, or take it with --nan ignore."
                                .formatted(name, range[i], from + i));
            }
        }
    }

    /** Removes what was written, unless it is complete. */
    @Override
    public void close() {
        file.close();
    }
}
