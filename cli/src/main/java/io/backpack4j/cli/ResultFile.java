package io.backpack4j.cli;

import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SafetensorsWriterBuilder;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A result file in the making: opened before the pass, so that what prevents it is known early. It appears when all results are in it. */
final class ResultFile implements AutoCloseable {

    private static final int RANGE = 1 << 14;

    private final SafetensorsWriter writer;
    private final boolean finite;

    private ResultFile(SafetensorsWriter writer, boolean finite) {
        this.writer = writer;
        this.finite = finite;
    }

    /** @param finite whether all numbers must be finite */
    static ResultFile open(
            Path path, Map<String, Plan.ResultType> results, Map<String, String> metadata, boolean finite) {
        SafetensorsWriterBuilder builder = SafetensorsWriter.to(path);
        metadata.forEach(builder::metadata);
        results.forEach((name, type) -> builder.tensor(name, type.dtype(), type.shape()));
        return new ResultFile(builder.open(), finite);
    }

    /** Requires that the result file is not one that is read. */
    static void requireOther(Path resultFile, Path input) {
        try {
            if (Files.exists(resultFile) && Files.exists(input) && Files.isSameFile(resultFile, input)) {
                throw new BackpackException(
                        "InvalidOption", "--out names '%s', which is an input. Name another file.".formatted(input));
            }
        } catch (IOException e) {
            throw new BackpackException(
                    "InvalidFile", "File '%s' cannot be read: %s.".formatted(input, e.getMessage()), e);
        }
    }

    /** Writes the tensors of a pass. */
    void write(Results results) {
        results.tensors().forEach(this::write);
    }

    /** Puts the file, in which everything is, in its place. */
    void commit() {
        writer.commit();
    }

    /** Writes one tensor. */
    void write(String name, Tensor tensor) {
        write(name, 0, tensor, 0, tensor.shape().elements());
    }

    /** Writes a part of one tensor, as {@link io.backpack4j.kernel.ResultTaker} has it, where it belongs. */
    void write(String name, Shape whole, long[] origin, Tensor part) {
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

    /** Writes elements of a tensor. */
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
                require(name, at + done, range);
                writer.write(name, at + done, range, 0, count);
            }
        }
    }

    /** What a pass looks at before is fewer: results of single samples, and products, are seen here for the first time. */
    private void require(String name, long from, double... range) {
        for (int i = 0; finite && i < range.length; i++) {
            if (!Double.isFinite(range[i])) {
                throw new BackpackException(
                        "NotFinite",
                        "Result '%s' is %s at element %d. Use smaller numbers or --dtype float64, or take it with --nan ignore."
                                .formatted(name, range[i], from + i));
            }
        }
    }

    /** Removes what was written, unless it is complete. */
    @Override
    public void close() {
        writer.close();
    }
}
