// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.console.CliProblems;
import io.backpack4j.formats.SafetensorsType;
import io.backpack4j.kernel.Plan;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.MemoryAmount;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** How many bytes results take in a file, known from their shapes before anything is computed. */
final class OutputSize {

    /** From here on it is worth a word. */
    private static final long ANNOUNCED_BYTES = 1L << 30;

    private static final int MOST_NAMES = 3;

    private final List<Size> sizes;
    private final long total;

    private record Size(String name, Plan.ResultType type, long bytes) {

        @Override
        public String toString() {
            return "'%s' %s with %s".formatted(name, type.shape(), amount(bytes));
        }
    }

    private OutputSize(List<Size> sizes, long total) {
        this.sizes = sizes;
        this.total = total;
    }

    /** The size of results by their names. */
    static OutputSize of(Map<String, Plan.ResultType> results) {
        List<Size> sizes = new ArrayList<>();
        long total = 0;
        for (Map.Entry<String, Plan.ResultType> result : results.entrySet()) {
            Plan.ResultType type = result.getValue();
            long element = SafetensorsType.of(type.dtype()).bytes();
            // Elements can be counted, bytes perhaps not.
            long elements = type.shape().elements();
            long bytes = elements > Long.MAX_VALUE / element ? Long.MAX_VALUE : elements * element;
            sizes.add(new Size(result.getKey(), type, bytes));
            total = bytes > Long.MAX_VALUE - total ? Long.MAX_VALUE : total + bytes;
        }
        sizes.sort(Comparator.comparingLong(Size::bytes).reversed());
        return new OutputSize(sizes, total);
    }

    /** The sum, without what names and shapes take. */
    long total() {
        return total;
    }

    /**
     * Refuses results that are larger than somebody wants.
     *
     * @throws BackpackException with the largest of them, and what to do
     */
    void require(MemoryAmount most) {
        if (total > most.bytes()) {
            String largest =
                    sizes.stream().limit(MOST_NAMES).map(Size::toString).collect(Collectors.joining(", "));
            throw new BackpackException(
                    CliProblems.OUTPUT_TOO_LARGE,
                    "The results would take %s, but --max-output allows %s. The largest: %s. Take fewer samples with subsampling=[...] where an extension has it, fewer parameters with parameters=[GLOB,...], or allow it with --max-output %d."
                            .formatted(amount(total), amount(most.bytes()), largest, total));
        }
    }

    /** Says how large they will be, if that is much. */
    void announce(Path file, PrintWriter err) {
        if (total >= ANNOUNCED_BYTES) {
            err.println("backpack: the results will take %s in '%s'".formatted(amount(total), file));
            err.flush();
        }
    }

    private static String amount(long bytes) {
        return bytes < 1024 ? bytes + " bytes" : "%d bytes (%s)".formatted(bytes, new MemoryAmount(bytes));
    }
}
