// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.files.ResultFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeMap;

/** Writes what rows have for themselves behind that of the rows before, which is the order of their ids. */
final class RowResults {

    /** The ids of the samples, {@code [N]}, in the order of results per sample. */
    static final String SAMPLE_IDS = "*/sample_ids";

    /** How many elements are copied at a time. */
    private static final int PIECE = 1 << 18;

    private final TableResults expected;
    private final ResultFile file;
    private final Backend backend;
    private OptionalLong last = OptionalLong.empty();
    private long written;

    RowResults(TableResults expected, ResultFile file, Backend backend) {
        this.expected = expected;
        this.file = file;
        this.backend = backend;
    }

    /** Takes those of a batch. */
    void take(Results results, Batch batch) {
        long[] ids = batch.sampleIds();
        requireAscending(ids);
        try (TensorScope scope = backend.openScope()) {
            expected.axes().forEach((name, axis) -> {
                boolean isIds = name.equals(SAMPLE_IDS);
                Tensor part = isIds ? tensor(scope, ids) : results.tensors().get(name);
                write(name, axis, Objects.requireNonNull(part, name), ids.length);
            });
        }
        written += ids.length;
    }

    private void write(String name, int axis, Tensor part, long samples) {
        Shape whole = expected(name, axis, part.shape(), samples).shape();
        long[] origin = new long[whole.rank()];
        origin[axis] = written;
        file.write(name, whole, origin, part);
    }

    private Plan.ResultType expected(String name, int axis, Shape part, long samples) {
        Plan.ResultType type = Objects.requireNonNull(expected.types().get(name));
        if (!part.equals(type.shape().with(axis, samples))) {
            throw new IllegalStateException(
                    "'%s' is %s for %d samples, but was planned as %s".formatted(name, part, samples, type.shape()));
        }
        return type;
    }

    /** Takes those of a worker, which wrote them to a file of its own. */
    void take(Safetensors part, long samples) {
        if (part.tensors().containsKey(SAMPLE_IDS)) {
            requireAscending(part.readLongs(SAMPLE_IDS));
        }
        expected.axes().forEach((name, axis) -> copy(part, name, axis, samples));
        written += samples;
    }

    /** Copies {@code [outer, samples, inner]} into {@code [outer, N, inner]}, some samples at a time. */
    private void copy(Safetensors part, String name, int axis, long samples) {
        Plan.ResultType type = expected(name, axis, part.tensor(name).shape(), samples);
        Shape shape = type.shape();
        long outer = shape.elements(0, axis);
        long inner = shape.elements(axis + 1, shape.rank());
        Shape whole = Shape.of(outer, shape.size(axis), inner);
        long most = Math.max(1, PIECE / inner);
        for (long row = 0; row < outer; row++) {
            for (long from = 0; from < samples; from += most) {
                long count = Math.min(most, samples - from);
                try (TensorScope scope = backend.openScope()) {
                    Tensor piece = scope.allocate(Shape.of(1, count, inner), type.dtype());
                    read(part, name, (row * samples + from) * inner, piece);
                    file.write(name, whole, new long[] {row, written + from, 0}, piece);
                }
            }
        }
    }

    private static void read(Safetensors part, String name, long from, Tensor piece) {
        int elements = Math.toIntExact(piece.shape().elements());
        if (piece.dtype() == DType.INT64) {
            long[] values = new long[elements];
            part.read(name, from, values, 0, elements);
            piece.write(0, values, 0, elements);
        } else {
            double[] values = new double[elements];
            part.read(name, from, values, 0, elements);
            piece.write(0, values, 0, elements);
        }
    }

    /** Rows were sorted: an id that stands twice stands behind itself. */
    private void requireAscending(long[] ids) {
        for (long id : ids) {
            if (last.isPresent() && id <= last.getAsLong()) {
                throw new BackpackException(KernelProblems.DUPLICATE_SAMPLE, "The id %d stands twice.".formatted(id));
            }
            last = OptionalLong.of(id);
        }
    }

    static Tensor tensor(TensorScope scope, long[] ids) {
        Tensor tensor = scope.allocate(Shape.of(ids.length), DType.INT64);
        tensor.write(0, ids, 0, ids.length);
        return tensor;
    }

    /** The types of everything, and of ids, for the file of a table. */
    static TableResults named(TableResults results, long samples) {
        return results.with(SAMPLE_IDS, new Plan.ResultType(DType.INT64, Shape.of(samples)));
    }

    /** The types of what rows have for themselves, for the file of a worker. */
    static Map<String, Plan.ResultType> only(TableResults results) {
        Map<String, Plan.ResultType> types = new TreeMap<>(results.types());
        types.keySet().retainAll(results.axes().keySet());
        return types;
    }
}
