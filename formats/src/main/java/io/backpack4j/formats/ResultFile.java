// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A file of results, of the kind that its name ends in: safetensors, or NumPy's npz. Everything a pass has under its
 * names ({@link Results#tensors}) is written by ranges, so that no tensor is ever copied as a whole. Belongs to one
 * thread.
 *
 * <pre>{@code
 * ResultFile.write(Path.of("results.npz"), backpack.compute(model, batch, variance));
 * }</pre>
 *
 * <p>Results larger than memory are written part by part: the file is opened before the pass, takes its parts ({@link
 * ResultTaker}), and appears under its name on {@link #commit()}, complete; closed without it, nothing changes.
 */
public final class ResultFile implements AutoCloseable, ResultTaker {

    /** The endings of names, the usual one first. */
    public static final List<String> ENDINGS = List.of(".safetensors", ".npz");

    private static final int RANGE = 1 << 14;

    private final TensorWriter writer;
    private final Check check;

    /** Sees all real numbers before they are written. What it throws ends the writing. */
    @FunctionalInterface
    public interface Check {

        /** Accepts everything. */
        Check NONE = (name, from, range) -> {};

        /**
         * Looks at a range of a result.
         *
         * @param from the row-major number of its first element
         */
        void check(String name, long from, double[] range);
    }

    private ResultFile(TensorWriter writer, Check check) {
        this.writer = writer;
        this.check = check;
    }

    /**
     * Writes results, as a whole or not at all. What stands there is replaced.
     *
     * @throws BackpackException if the name has another ending, or the file cannot be written
     */
    public static void write(Path path, Results results) {
        Map<String, Plan.ResultType> types = new LinkedHashMap<>();
        results.tensors()
                .forEach((name, tensor) -> types.put(name, new Plan.ResultType(tensor.dtype(), tensor.shape())));
        try (ResultFile file = open(path, types, Map.of(), Check.NONE)) {
            results.tensors().forEach(file::write);
            file.commit();
        }
    }

    /**
     * Opens a file, so that what prevents it is known before anything is computed.
     *
     * @param results what will be written, such as {@link Plan#results()}
     * @param metadata what a safetensors file says about itself; npz has no place for it
     * @throws BackpackException if the name has another ending, or the file cannot be written
     */
    public static ResultFile open(
            Path path, Map<String, Plan.ResultType> results, Map<String, String> metadata, Check check) {
        requireEnding(path);
        if (isNpz(path)) {
            Map<String, NpzWriter.Declared> tensors = new LinkedHashMap<>();
            results.forEach((name, type) -> tensors.put(name, new NpzWriter.Declared(type.dtype(), type.shape())));
            return new ResultFile(NpzWriter.open(path, tensors), check);
        }
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(path);
        metadata.forEach(builder::metadata);
        results.forEach((name, type) -> builder.tensor(name, type.dtype(), type.shape()));
        return new ResultFile(builder.open(), check);
    }

    /**
     * Refuses a name that promises something else than what can be written.
     *
     * @throws BackpackException with the possible endings
     */
    public static void requireEnding(Path path) {
        if (ENDINGS.stream().noneMatch(lowerCase(path)::endsWith)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "Results cannot be written to %s. They are written as safetensors or npz: name a file that ends in '%s'."
                            .formatted(Failures.quoted(path.toString()), String.join("' or '", ENDINGS)));
        }
    }

    private static boolean isNpz(Path path) {
        return lowerCase(path).endsWith(".npz");
    }

    private static String lowerCase(Path path) {
        return String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
    }

    /** Writes a whole tensor. */
    public void write(String name, Tensor tensor) {
        write(name, 0, tensor, 0, tensor.shape().elements());
    }

    /** Writes a part of a tensor where it belongs. */
    @Override
    public void take(String name, Shape whole, long[] origin, Tensor part) {
        int last = origin.length - 1;
        Shape shape = part.shape();
        long row = whole.elements(last + 1, whole.rank());
        long run = shape.size(last) * row;
        long runs = shape.elements(0, last);
        for (long i = 0; i < runs; i++) {
            long place = 0;
            long rest = i;
            long step = whole.size(last);
            for (int axis = last - 1; axis >= 0; axis--) {
                place += (origin[axis] + rest % shape.size(axis)) * step;
                rest /= shape.size(axis);
                step *= whole.size(axis);
            }
            write(name, (place + origin[last]) * row, part, i * run, run);
        }
    }

    private void write(String name, long at, Tensor tensor, long from, long elements) {
        for (long done = 0; done < elements; done += RANGE) {
            int count = (int) Math.min(RANGE, elements - done);
            if (tensor.dtype() == DType.INT64) {
                long[] range = new long[count];
                tensor.read(from + done, range, 0, count);
                writer.write(name, at + done, range, 0, count);
            } else {
                double[] range = new double[count];
                tensor.read(from + done, range, 0, count);
                check.check(name, at + done, range);
                writer.write(name, at + done, range, 0, count);
            }
        }
    }

    /**
     * Puts the file, in which everything is, in its place.
     *
     * @throws IllegalStateException if elements are missing
     * @throws BackpackException if the file cannot be written
     */
    public void commit() {
        writer.commit();
    }

    /** Removes what was written, unless it was committed. */
    @Override
    public void close() {
        writer.close();
    }
}
