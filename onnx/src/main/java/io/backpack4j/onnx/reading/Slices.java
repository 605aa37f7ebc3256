// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/** What a Slice cuts out, with starts and ends from attributes, as older versions have them, or from inputs. */
final class Slices {

    private Slices() {}

    /**
     * What is taken of one axis.
     *
     * @param start counted from the end if negative
     * @param end exclusive, counted from the end if negative; beyond the axis means its end
     */
    record Range(int axis, long start, long end, long step) {

        long from(long length) {
            long place = start < 0 ? start + length : start;
            return Math.max(0, Math.min(step > 0 ? length : length - 1, place));
        }

        long to(long length) {
            long place = end < 0 ? Math.max(end, -length - 1) + length : end;
            return Math.max(step > 0 ? 0 : -1, Math.min(length, place));
        }

        boolean isWhole(long length) {
            return step == 1 && from(length) == 0 && to(length) == length;
        }

        /** The places that are taken of an axis. */
        double[] places(long length) {
            long from = from(length);
            long to = to(length);
            long count = Math.max(0, step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step);
            return LongStream.range(0, count).mapToDouble(i -> from + i * step).toArray();
        }
    }

    static List<Range> of(Call call, int rank) {
        boolean attributes = call.integers("starts").isPresent();
        List<Long> starts =
                attributes ? call.integers("starts").get() : call.constant(1).integers();
        List<Long> ends = attributes
                ? call.integers("ends").orElse(List.of())
                : call.constant(2).integers();
        Optional<List<Long>> axes =
                attributes ? call.integers("axes") : call.optional(3).map(Constant::integers);
        Optional<List<Long>> steps =
                attributes ? Optional.empty() : call.optional(4).map(Constant::integers);
        boolean fits = ends.size() == starts.size()
                && axes.map(List::size).orElse(starts.size()) == starts.size()
                && steps.map(List::size).orElse(starts.size()) == starts.size();
        if (!fits) {
            throw new Refusal("has %d starts and %d ends".formatted(starts.size(), ends.size()));
        }
        List<Range> ranges = new ArrayList<>();
        for (int i = 0; i < starts.size(); i++) {
            int at = i;
            long step = steps.map(list -> list.get(at)).orElse(1L);
            if (step == 0) {
                throw new Refusal("has a step of 0");
            }
            int axis = Activation.axis(axes.map(list -> list.get(at)).orElse((long) i), rank);
            ranges.add(new Range(axis, starts.get(i), ends.get(i), step));
        }
        return ranges;
    }
}
