// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Scratch;
import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * Sums of single numbers, or of products of two, as exact as in double precision, and three times faster: every
 * place of a chunk has a sum that is a pair of single numbers, the second holding what rounding takes from the
 * first. Products and additions say exactly what they lose (T. Dekker 1971; D. Knuth, "The Art of Computer
 * Programming" 2, 4.2.2), so that a pair is right to 2⁻⁴⁸ of the sum of its terms' magnitudes; few terms come to a
 * place, and the places are added up in double precision. Belongs to one thread.
 */
final class PairedSums {

    /** Fewer products are added up in double precision at once: all places would take longer. */
    static final int WORTH = 8 * Scratch.CHUNK;

    /** Sums below this may have lost too much of products that are below the least normal number. */
    private static final double LEAST = 1e-28;

    private static final ThreadLocal<PairedSums> OF_THREAD = ThreadLocal.withInitial(PairedSums::new);
    private static final ThreadLocal<PairedSums> SECOND = ThreadLocal.withInitial(PairedSums::new);

    private final float[] sums = new float[Scratch.CHUNK];
    private final float[] losses = new float[Scratch.CHUNK];

    private PairedSums() {}

    static PairedSums ofThread() {
        return OF_THREAD.get();
    }

    /** Others, for two sums in one walk. */
    static PairedSums secondOfThread() {
        return SECOND.get();
    }

    void clear() {
        Arrays.fill(sums, 0);
        Arrays.fill(losses, 0);
    }

    /** Adds the products of up to a chunk of numbers, place by place. */
    void add(float[] a, float[] b, int count) {
        add(a, b, sums, losses, count);
    }

    private static void add(float[] a, float[] b, float[] sums, float[] losses, int count) {
        for (int i = 0; i < count; i++) {
            float product = a[i] * b[i];
            float ofProduct = Math.fma(a[i], b[i], -product);
            float before = sums[i];
            float sum = before + product;
            float added = sum - before;
            float ofSum = (before - (sum - added)) + (product - added);
            sums[i] = sum;
            losses[i] += ofSum + ofProduct;
        }
    }

    /** Adds up to a chunk of numbers, place by place. */
    void add(float[] a, int count) {
        add(a, sums, losses, count);
    }

    private static void add(float[] a, float[] sums, float[] losses, int count) {
        for (int i = 0; i < count; i++) {
            float before = sums[i];
            float sum = before + a[i];
            float added = sum - before;
            losses[i] += (before - (sum - added)) + (a[i] - added);
            sums[i] = sum;
        }
    }

    /** The sum over all places; nothing if numbers were too large or too small for it to be exact. */
    OptionalDouble total() {
        double total = 0;
        for (int i = 0; i < sums.length; i++) {
            total += (double) sums[i] + losses[i];
        }
        boolean exact = Math.abs(total) >= LEAST && Math.abs(total) <= Double.MAX_VALUE;
        return exact ? OptionalDouble.of(total) : OptionalDouble.empty();
    }
}
