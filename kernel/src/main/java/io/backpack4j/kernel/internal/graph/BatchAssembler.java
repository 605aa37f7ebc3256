// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntToDoubleFunction;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Collects the parts of a batch and uploads them once they fit. */
public final class BatchAssembler implements BatchBuilder {

    private final Backend backend;
    private final DType dtype;
    private final Map<String, Part> inputs = new LinkedHashMap<>();
    private @Nullable Part targets;
    private long @Nullable [] sampleIds;

    /** Numbers that are not uploaded yet. */
    private record Part(
            Shape shape,
            DType dtype,
            long length,
            Consumer<Tensor> writer,
            int notFinite,
            IntToDoubleFunction values) {}

    public BatchAssembler(Backend backend, DType dtype) {
        this.backend = backend;
        this.dtype = dtype;
    }

    @Override
    public BatchBuilder input(String name, Shape shape, float[] values) {
        inputs.put(
                name,
                new Part(
                        shape,
                        dtype,
                        values.length,
                        tensor -> tensor.write(0, values, 0, values.length),
                        Finite.firstOther(values),
                        i -> values[i]));
        return this;
    }

    @Override
    public BatchBuilder input(String name, Shape shape, double[] values) {
        inputs.put(name, part(shape, values));
        return this;
    }

    @Override
    public BatchBuilder input(String name, Shape shape, long[] values) {
        inputs.put(name, part(shape, values));
        return this;
    }

    @Override
    public BatchBuilder targets(Shape shape, long[] values) {
        targets = part(shape, values);
        return this;
    }

    @Override
    public BatchBuilder targets(Shape shape, double[] values) {
        targets = part(shape, values);
        return this;
    }

    @Override
    public BatchBuilder sampleIds(long... ids) {
        sampleIds = ids.clone();
        return this;
    }

    @Override
    public Batch build() {
        Problems problems = new Problems();
        if (inputs.isEmpty()) {
            problems.add(KernelProblems.MISSING_INPUT, "A batch needs at least one input.");
        }
        problems.throwIfAny();
        Map<String, Part> parts = new LinkedHashMap<>(inputs);
        Part target = targets;
        if (target != null) {
            parts.put("targets", target);
        }
        String counted = target == null ? inputs.keySet().iterator().next() : "targets";
        Shape shape = Objects.requireNonNull(parts.get(counted)).shape();
        long samples = shape.rank() == 0 ? 0 : shape.size(0);
        parts.forEach((name, part) -> check(name, part, counted, samples, problems));
        long[] ids = sampleIds == null ? LongStream.range(0, samples).toArray() : sampleIds;
        if (ids.length != samples) {
            problems.add(
                    CommonProblems.SHAPE_MISMATCH,
                    "The batch has %d samples, but %d sample ids were given.".formatted(samples, ids.length));
        }
        problems.throwIfAny();
        TensorScope scope = backend.openScope();
        boolean done = false;
        try {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            inputs.forEach((name, part) -> tensors.put(name, upload(scope, part)));
            Batch batch = new ResidentBatch(scope, tensors, target == null ? null : upload(scope, target), ids);
            done = true;
            return batch;
        } finally {
            if (!done) {
                scope.close();
            }
        }
    }

    /** @param counted what says how many samples there are */
    private static void check(String name, Part part, String counted, long samples, Problems problems) {
        if (part.length() != part.shape().elements()) {
            problems.add(
                    CommonProblems.SHAPE_MISMATCH,
                    "'%s' has shape %s, that is %d numbers, but %d were given."
                            .formatted(name, part.shape(), part.shape().elements(), part.length()));
        }
        if (part.length() == part.shape().elements()) {
            Finite.report(problems, "'" + name + "'", part.shape(), part.dtype(), part.notFinite(), part.values());
        }
        if (part.shape().rank() == 0) {
            problems.add(
                    CommonProblems.SHAPE_MISMATCH,
                    "'%s' is a scalar, but needs the batch as its first axis.".formatted(name));
        } else if (part.shape().size(0) == 0) {
            problems.add(
                    KernelProblems.EMPTY_BATCH, "'%s' has shape %s: the batch is empty.".formatted(name, part.shape()));
        } else if (part.shape().size(0) != samples) {
            problems.add(
                    CommonProblems.SHAPE_MISMATCH,
                    "'%s' has shape %s, that is %d samples, but %s %d."
                            .formatted(
                                    name,
                                    part.shape(),
                                    part.shape().size(0),
                                    counted.equals("targets") ? "the targets have" : "'" + counted + "' has",
                                    samples));
        }
    }

    private static Tensor upload(TensorScope scope, Part part) {
        Tensor tensor = scope.allocate(part.shape(), part.dtype());
        part.writer().accept(tensor);
        return tensor;
    }

    private Part part(Shape shape, double[] values) {
        return new Part(
                shape,
                dtype,
                values.length,
                tensor -> tensor.write(0, values, 0, values.length),
                Finite.firstOther(values, dtype),
                i -> values[i]);
    }

    private static Part part(Shape shape, long[] values) {
        return new Part(
                shape,
                DType.INT64,
                values.length,
                tensor -> tensor.write(0, values, 0, values.length),
                -1,
                i -> values[i]);
    }
}
