// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Ranges of neighbouring ids, which do not overlap and do not meet. Their ends belong to them, so that every id can be
 * one. Where results per sample are kept, it is remembered in which order the ranges came, too.
 */
final class RangedSamples implements KnownSamples {

    private static final String RANGES = "sample_ranges";
    private static final int SHOWN = 10;
    private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

    /** First ids to last ones. */
    private final TreeMap<Long, Long> ranges = new TreeMap<>();

    private final boolean ordered;
    private final List<Range> asAdded = new ArrayList<>();
    private long count;

    /** Neighbouring ids from the first to the last. */
    private record Range(long first, long last) {

        long samples() {
            return last - first + 1;
        }

        @Override
        public String toString() {
            return first == last ? String.valueOf(first) : "%d to %d".formatted(first, last);
        }
    }

    /** @param ordered whether the order of adding matters */
    RangedSamples(boolean ordered) {
        this.ordered = ordered;
    }

    @Override
    public long count() {
        return count;
    }

    @Override
    public long[] ids() {
        if (count > MAX_ARRAY) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_RESULT,
                    "The ids of %d samples do not fit into one array. They are the ranges %s."
                            .formatted(count, shown(sorted())));
        }
        long[] ids = new long[(int) count];
        int position = 0;
        for (Range range : sorted()) {
            for (long i = 0; i < range.samples(); i++) {
                ids[position++] = range.first() + i;
            }
        }
        return ids;
    }

    @Override
    public SampleOrder order() {
        long[] begins = new long[asAdded.size()];
        long begin = 0;
        for (int i = 0; i < begins.length; i++) {
            begins[i] = begin;
            begin += asAdded.get(i).samples();
        }
        int[] byId = IntStream.range(0, begins.length)
                .boxed()
                .sorted(Comparator.comparingLong(i -> asAdded.get(i).first()))
                .mapToInt(Integer::intValue)
                .toArray();
        return new SampleOrder(
                Arrays.stream(byId).mapToLong(i -> begins[i]).toArray(),
                Arrays.stream(byId).mapToLong(i -> asAdded.get(i).samples()).toArray());
    }

    @Override
    public void requireNew(String from, long... added) {
        requireNew(from, ranges(added));
    }

    @Override
    public void requireNew(String from, KnownSamples added) {
        requireNew(from, ((RangedSamples) added).sorted());
    }

    private void requireNew(String from, List<Range> added) {
        List<String> overlaps = new ArrayList<>();
        RangedSamples own = new RangedSamples(false);
        for (Range range : added) {
            Range present = overlapping(range);
            Range twice = own.overlapping(range);
            if (present != null) {
                overlaps.add("%s in the range %s".formatted(common(range, present), present));
            } else if (twice != null) {
                overlaps.add("%s twice".formatted(common(range, twice)));
            } else {
                own.append(range);
            }
        }
        if (!overlaps.isEmpty()) {
            throw KnownSamples.duplicate(from, "samples that are there already: " + shown(overlaps));
        }
    }

    private static Range common(Range one, Range other) {
        return new Range(Math.max(one.first(), other.first()), Math.min(one.last(), other.last()));
    }

    /** The first range that has an id of the given one. */
    private @Nullable Range overlapping(Range range) {
        Map.Entry<Long, Long> before = ranges.floorEntry(range.first());
        if (before != null && before.getValue() >= range.first()) {
            return new Range(before.getKey(), before.getValue());
        }
        Map.Entry<Long, Long> after = ranges.ceilingEntry(range.first());
        return after != null && after.getKey() <= range.last() ? new Range(after.getKey(), after.getValue()) : null;
    }

    @Override
    public void addAll(long... added) {
        ranges(added).forEach(this::append);
    }

    @Override
    public void addAll(KnownSamples added) {
        RangedSamples other = (RangedSamples) added;
        (ordered ? other.asAdded : other.sorted()).forEach(this::append);
    }

    /** Adds a range that overlaps none, and joins it with those that it meets. */
    private void append(Range range) {
        long first = range.first();
        long last = range.last();
        Map.Entry<Long, Long> before = ranges.lowerEntry(first);
        if (before != null && before.getValue() + 1 == first) {
            first = before.getKey();
        }
        if (last != Long.MAX_VALUE) {
            Long after = ranges.remove(last + 1);
            last = after == null ? last : after;
        }
        ranges.put(first, last);
        count += range.samples();
        if (ordered) {
            remember(range);
        }
    }

    private void remember(Range range) {
        int end = asAdded.size() - 1;
        Range before = end < 0 ? null : asAdded.get(end);
        if (before != null && before.last() != Long.MAX_VALUE && before.last() + 1 == range.first()) {
            asAdded.set(end, new Range(before.first(), range.last()));
        } else {
            asAdded.add(range);
        }
    }

    /** Ranges of ids in the order in which they come. */
    private static List<Range> ranges(long... ids) {
        List<Range> ranges = new ArrayList<>();
        for (int from = 0; from < ids.length; ) {
            int to = from + 1;
            while (to < ids.length && ids[to - 1] != Long.MAX_VALUE && ids[to] == ids[to - 1] + 1) {
                to++;
            }
            ranges.add(new Range(ids[from], ids[to - 1]));
            from = to;
        }
        return ranges;
    }

    private List<Range> sorted() {
        return ranges.entrySet().stream()
                .map(range -> new Range(range.getKey(), range.getValue()))
                .toList();
    }

    private static String shown(List<?> ranges) {
        String shown = String.join(
                ", ", ranges.stream().limit(SHOWN).map(String::valueOf).toList());
        return ranges.size() > SHOWN ? shown + ", …" : shown;
    }

    @Override
    public Map<String, SessionState.Numbers> state() {
        List<Range> all = ordered ? asAdded : sorted();
        long[] ends = new long[Math.multiplyExact(2, all.size())];
        for (int i = 0; i < all.size(); i++) {
            ends[2 * i] = all.get(i).first();
            ends[2 * i + 1] = all.get(i).last();
        }
        return Map.of(RANGES, new HostIntegers(Shape.of(all.size(), 2), ends));
    }

    @Override
    public void restore(SessionState state) {
        SessionState.Numbers numbers = StateReader.integers(state, RANGES);
        Shape shape = numbers.shape();
        StateReader.require(shape.rank() == 2 && shape.size(1) == 2, RANGES, numbers);
        long[] ends = StateReader.readAll(numbers);
        List<Range> restored = new ArrayList<>();
        long all = 0;
        for (int i = 0; i < ends.length; i += 2) {
            // A number below zero is one of more samples than can be counted.
            long samples = ends[i + 1] - ends[i] + 1;
            all += samples;
            if (ends[i] > ends[i + 1] || samples <= 0 || all < 0) {
                throw new BackpackException(
                        KernelProblems.INVALID_STATE,
                        "The session's state has the range %d to %d of ids in '%s', which cannot be."
                                .formatted(ends[i], ends[i + 1], RANGES));
            }
            restored.add(new Range(ends[i], ends[i + 1]));
        }
        requireNew("The session's state", restored);
        restored.forEach(this::append);
    }
}
