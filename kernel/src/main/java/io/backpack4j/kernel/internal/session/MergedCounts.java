// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.pass.PassPartials;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/** A sum of whole numbers, which is exact. It is kept in host memory: counts are few. */
record MergedCounts(Shape shape, long[] counts) implements Merged {

    private static final String COUNTS = "counts";

    static MergedCounts of(Tensor first) {
        return new MergedCounts(first.shape(), first.toLongArray());
    }

    static MergedCounts of(StateReader state) {
        SessionState.Numbers numbers = state.numbers(COUNTS);
        return new MergedCounts(numbers.shape(), StateReader.readAll(numbers));
    }

    @Override
    public void add(PassPartials.Value part) {
        add(part.tensors().get(0).toLongArray());
    }

    @Override
    public void add(Merged other) {
        add(((MergedCounts) other).counts);
    }

    private void add(long... more) {
        for (int i = 0; i < counts.length; i++) {
            counts[i] = Math.addExact(counts[i], more[i]);
        }
    }

    /** Counts have degree 0: their factor is 1. */
    @Override
    public PassPartials.Value value(TensorScope scope, double factor) {
        Tensor result = scope.allocate(shape, DType.INT64);
        result.write(0, counts, 0, counts.length);
        return Merged.single(result);
    }

    @Override
    public Map<String, SessionState.Numbers> state() {
        return Map.of(COUNTS, new HostIntegers(shape, counts.clone()));
    }
}
