// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.backend.cpu.memory.Team;
import java.util.Arrays;

/**
 * Inner products of single numbers at native addresses: every place of a chunk has a sum of its own, by a loop without
 * reductions, which takes several numbers at a time. Sums of so few terms are in single precision, their rounding
 * errors below the result's own, and are added up in double precision.
 */
public final class DotLoop {

    /** What an element takes. */
    private static final double NANOSECONDS = 0.2;

    /** How many terms come to a place at most. */
    private static final int TERMS = 16;

    private static final ThreadLocal<DotLoop> OF_THREAD = ThreadLocal.withInitial(DotLoop::new);

    private final float[] sums = new float[Scratch.CHUNK];

    private DotLoop() {}

    /** The inner product of two runs of numbers, parts of which a team's threads take. */
    public static double of(Team team, long a, long b, long elements) {
        int parts = team.parts(elements * NANOSECONDS);
        if (parts == 1) {
            return of(a, b, elements);
        }
        double[] ofParts = new double[parts];
        team.run(
                parts,
                elements,
                (part, from, to) -> ofParts[part] = of(a + from * Float.BYTES, b + from * Float.BYTES, to - from));
        return Arrays.stream(ofParts).sum();
    }

    /** A row's number, and its inner product. */
    @FunctionalInterface
    public interface Rows {
        void take(long row, double dot);
    }

    /** The inner products of several runs of numbers, which lie behind each other, with one. */
    public static void ofRows(Team team, long rows, long first, long vector, long elements, Rows taking) {
        team.forAll(rows, 1, elements * NANOSECONDS, (from, to) -> {
            for (long row = from; row < to; row++) {
                taking.take(row, of(first + row * elements * Float.BYTES, vector, elements));
            }
        });
    }

    private static double of(long a, long b, long elements) {
        float[] sums = OF_THREAD.get().sums;
        Scratch scratch = Scratch.get();
        float[] left = scratch.floats;
        float[] right = a == b ? left : scratch.moreFloats;
        double sum = 0;
        for (long first = 0; first < elements; first += TERMS * Scratch.CHUNK) {
            long last = Math.min(elements, first + TERMS * Scratch.CHUNK);
            Arrays.fill(sums, 0);
            for (long done = first; done < last; done += Scratch.CHUNK) {
                int count = (int) Math.min(Scratch.CHUNK, last - done);
                scratch.floatAddress.at(a + done * Float.BYTES).get(left, 0, count);
                if (a != b) {
                    scratch.floatAddress.at(b + done * Float.BYTES).get(right, 0, count);
                }
                add(left, right, sums, count);
            }
            sum += total(sums);
        }
        return sum;
    }

    private static void add(float[] a, float[] b, float[] sums, int count) {
        for (int i = 0; i < count; i++) {
            sums[i] += a[i] * b[i];
        }
    }

    /** Four sums: additions that do not wait for each other. */
    private static double total(float[] sums) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        for (int i = 0; i < Scratch.CHUNK; i += 4) {
            s0 += sums[i];
            s1 += sums[i + 1];
            s2 += sums[i + 2];
            s3 += sums[i + 3];
        }
        return (s0 + s1) + (s2 + s3);
    }
}
