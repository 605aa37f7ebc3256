// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.backend.cpu.memory.Team;

/**
 * Smallest and largest of single numbers by their bits: turned around for negative numbers, these are ordered as the
 * numbers are, with NaN outside the infinities on its sign's side. Whole numbers are compared many at a time.
 */
public final class ExtremeLoops {

    private static final int INFINITY = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);

    /** What an element takes. */
    private static final double NANOSECONDS = 0.3;

    private ExtremeLoops() {}

    /** Raises −min, max and the greatest magnitude by {@code count} numbers from a native address on. */
    public static void raise(Team team, long address, long count, CpuTensor destination) {
        if (count == 0) {
            return;
        }
        int parts = team.parts(count * NANOSECONDS);
        int[] least = new int[parts];
        int[] most = new int[parts];
        team.run(parts, count, (part, from, to) -> find(address, from, to, part, least, most));
        double[] extremes = Scratch.get().a;
        destination.load(0, extremes, 3);
        double negated = -number(minimum(least, parts));
        double greatest = number(maximum(most, parts));
        extremes[0] = Math.max(extremes[0], negated);
        extremes[1] = Math.max(extremes[1], greatest);
        extremes[2] = Math.max(extremes[2], Math.max(negated, greatest));
        destination.store(0, extremes, 3);
    }

    private static void find(long address, long from, long to, int number, int[] least, int[] most) {
        Scratch scratch = Scratch.get();
        int smallest = Integer.MAX_VALUE;
        int largest = Integer.MIN_VALUE;
        for (long done = from; done < to; done += Scratch.CHUNK) {
            int part = (int) Math.min(Scratch.CHUNK, to - done);
            scratch.intAddress.at(address + done * Float.BYTES).get(scratch.ints, 0, part);
            OrderedBins.order(scratch.ints, part);
            smallest = Math.min(smallest, minimum(scratch.ints, part));
            largest = Math.max(largest, maximum(scratch.ints, part));
        }
        least[number] = smallest;
        most[number] = largest;
    }

    /** The least of whole numbers, written so that a processor chooses instead of jumping. */
    static int minimum(int[] values, int count) {
        int smallest = Integer.MAX_VALUE;
        for (int i = 0; i < count; i++) {
            smallest = values[i] < smallest ? values[i] : smallest;
        }
        return smallest;
    }

    /** The largest, as {@link #minimum}. */
    static int maximum(int[] values, int count) {
        int largest = Integer.MIN_VALUE;
        for (int i = 0; i < count; i++) {
            largest = values[i] > largest ? values[i] : largest;
        }
        return largest;
    }

    private static float number(int ordered) {
        int bits = OrderedBins.order(ordered);
        return (bits & 0x7FFFFFFF) > INFINITY ? Float.NaN : Float.intBitsToFloat(bits);
    }
}
