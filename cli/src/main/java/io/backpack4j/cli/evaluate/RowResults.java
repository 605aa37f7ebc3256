// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.files.ResultFile;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Objects;

/** Writes what a batch has per sample behind that of the batches before. */
final class RowResults {

    private final TableResults expected;
    private final ResultFile file;
    private long written;

    RowResults(TableResults expected, ResultFile file) {
        this.expected = expected;
        this.file = file;
    }

    /**
     * Takes those of a batch.
     *
     * @param others the expected ones that extensions do not make
     * @param samples how many the batch has
     */
    void take(Results results, Map<String, Tensor> others, long samples) {
        expected.axes().forEach((name, axis) -> {
            Tensor part = Objects.requireNonNull(
                    others.getOrDefault(name, results.tensors().get(name)), name);
            Plan.ResultType type = Objects.requireNonNull(expected.types().get(name));
            Shape whole = type.shape();
            if (!part.shape().equals(whole.with(axis, samples))) {
                throw new IllegalStateException("'%s' is %s for %d samples, but was planned as %s"
                        .formatted(name, part.shape(), samples, whole));
            }
            long[] origin = new long[whole.rank()];
            origin[axis] = written;
            file.write(name, whole, origin, part);
        });
        written += samples;
    }
}
