// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * The positions along one axis, by which elements of the window visit them as it slides. Position p is visited by
 * element b if p = t · stride + b − padding for some t.
 */
final class WindowClasses {

    /** A set of elements is kept in as many bits. */
    static final long MOST_ELEMENTS = 31;

    private final long size;
    private final long kernel;
    private final long stride;

    /** Per class the elements that visit it, a bit each, and its positions. */
    private final long[] visitors;

    private final long[][] positions;

    /**
     * Neighbours in {@link #order}, and as many that lie some shift further.
     *
     * @param from where the first lies in that order
     * @param to where the shifted first lies
     * @param count how many
     */
    record Run(long from, long to, long count) {}

    WindowClasses(WindowSizes sizes, int axis) {
        size = sizes.input[axis];
        kernel = sizes.kernel[axis];
        stride = sizes.stride[axis];
        Map<Long, List<Long>> found = new LinkedHashMap<>();
        for (long position : order()) {
            long bits = 0;
            for (long b = 0; b < kernel; b++) {
                long start = position + sizes.left[axis] - b;
                boolean visited = start >= 0 && start % stride == 0 && start / stride < sizes.output[axis];
                bits |= visited ? 1L << b : 0;
            }
            if (bits != 0) {
                found.computeIfAbsent(bits, unused -> new ArrayList<>()).add(position);
            }
        }
        visitors = found.keySet().stream().mapToLong(bits -> bits).toArray();
        positions = found.values().stream()
                .map(list -> list.stream().mapToLong(p -> p).toArray())
                .toArray(long[][]::new);
    }

    /** All positions, those that lie a stride apart behind each other. */
    long[] order() {
        return LongStream.range(0, stride)
                .flatMap(rest -> LongStream.iterate(rest, position -> position < size, position -> position + stride))
                .toArray();
    }

    /** The place of a position in that order. */
    private long place(long position) {
        long rest = position % stride;
        long before = rest * (size / stride) + Math.min(rest, size % stride);
        return before + position / stride;
    }

    /** The number of classes. */
    int count() {
        return visitors.length;
    }

    boolean visits(int of, long element) {
        return (visitors[of] >> element & 1) != 0;
    }

    long[] positions(int of) {
        return positions[of];
    }

    /** The shifts from an element that visits the class to any other, without gaps. */
    long[] shifts(int of) {
        long first = Long.numberOfTrailingZeros(visitors[of]);
        long last = 63L - Long.numberOfLeadingZeros(visitors[of]);
        return LongStream.range(-last, kernel - first).toArray();
    }

    /** The positions of a class that stay inside when they are shifted, in runs. */
    List<Run> runs(int of, long shift) {
        List<Run> runs = new ArrayList<>();
        long previous = -1;
        for (long position : positions[of]) {
            if (position + shift < 0 || position + shift >= size) {
                continue;
            }
            boolean joins = !runs.isEmpty() && position == previous + stride;
            Run last = joins ? runs.remove(runs.size() - 1) : new Run(place(position), place(position + shift), 0);
            runs.add(new Run(last.from(), last.to(), last.count() + 1));
            previous = position;
        }
        return runs;
    }
}
