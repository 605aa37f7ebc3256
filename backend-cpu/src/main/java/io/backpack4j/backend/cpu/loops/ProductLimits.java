// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.backend.Bins;

/**
 * Edges of bins as limits of the magnitudes of products of two single numbers, rounded to one: a product is not below a
 * positive edge only if both signs are equal and its magnitude reaches the limit; it is below any other edge only if
 * they differ and it does.
 */
final class ProductLimits {

    private final float[] limits;
    private final int firstPositive;

    ProductLimits(Bins bins) {
        limits = new float[bins.count()];
        int notPositive = 1;
        for (int bin = 1; bin < limits.length; bin++) {
            double edge = bins.edge(bin);
            limits[bin] = edge > 0 ? least(edge, false) : least(-edge, true);
            notPositive += edge > 0 ? 0 : 1;
        }
        firstPositive = notPositive;
    }

    /** The least single number that is not below a magnitude, or above it. */
    private static float least(double magnitude, boolean above) {
        float nearest = (float) magnitude;
        return nearest < magnitude || (above && nearest == magnitude) ? Math.nextUp(nearest) : nearest;
    }

    /** The number of bins; their lower edges are those from 1 on. */
    int bins() {
        return limits.length;
    }

    /** NaN if the edge is. */
    float of(int edge) {
        return limits[edge];
    }

    /** Whether edges are numbers: all are, or none, and then nothing reaches one. */
    boolean areNumbers() {
        return limits.length == 1 || !Float.isNaN(limits[1]);
    }

    boolean isPositive(int edge) {
        return edge >= firstPositive;
    }

    /** The first edge that is positive, or the number of bins. */
    int firstPositive() {
        return firstPositive;
    }

    /** The first edge whose limit some magnitude up to this one reaches, if one before the positive edges is. */
    int firstWithin(float magnitude) {
        int from = 1;
        int to = firstPositive;
        while (from < to) {
            int middle = (from + to) >>> 1;
            if (limits[middle] <= magnitude) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        return from;
    }

    /** The first positive edge whose limit no magnitude up to this one reaches, or the number of bins. */
    int firstBeyond(float magnitude) {
        int from = firstPositive;
        int to = limits.length;
        while (from < to) {
            int middle = (from + to) >>> 1;
            if (limits[middle] <= magnitude) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return from;
    }

    /**
     * The least number with which the product reaches a limit.
     *
     * @param factor positive and finite
     * @param limit positive; it is reached by some finite number
     */
    static float leastFactor(float factor, float limit) {
        float nearest = (float) (limit / (double) factor);
        for (float candidate : new float[] {Math.nextDown(nearest), nearest, Math.nextUp(nearest)}) {
            if (candidate > 0 && factor * candidate >= limit && !(factor * Math.nextDown(candidate) >= limit)) {
                return candidate;
            }
        }
        // Products below the least normal number are rounded by more than a factor's last digit.
        int low = 0;
        int high = Float.floatToRawIntBits(Float.MAX_VALUE);
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (factor * Float.intBitsToFloat(middle) >= limit) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return Float.intBitsToFloat(low);
    }
}
