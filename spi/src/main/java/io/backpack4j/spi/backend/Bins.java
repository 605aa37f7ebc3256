// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/**
 * Equal bins from one outer edge to the other. A number x is in bin i if i of the inner edges are at most x, so that
 * what lies beyond the outer edges is in the first or the last bin, and what lies on an edge in the bin above it; NaN
 * has a place behind all bins.
 *
 * <p>Edge i is (low · (bins − i) + high · i) / bins, rounded as double precision does in that order: an edge that is a
 * short number is met exactly, and zero is one in the middle of any symmetric range. All ways to count compare with
 * these edges, in double precision, so that they give equal counts.
 */
public final class Bins {

    private final int bins;
    private final double low;
    private final double perWidth;
    /** Edge 0 is not looked at. */
    private final double[] edges;

    /**
     * Bins.
     *
     * @param bins their number, at least 1
     * @param factor both edges are multiplied by it first
     */
    public Bins(int bins, double low, double high, double factor) {
        this.bins = bins;
        this.low = low * factor;
        double top = high * factor;
        this.perWidth = bins / (top - this.low);
        this.edges = new double[bins];
        edges[0] = Double.NEGATIVE_INFINITY;
        for (int i = 1; i < bins; i++) {
            // Rounding must not turn neighbours around.
            edges[i] = Math.max(edges[i - 1], (this.low * (bins - i) + top * i) / bins);
        }
    }

    /** The number of bins. */
    public int count() {
        return bins;
    }

    /** The lower edge of a bin other than the first. */
    public double edge(int bin) {
        return edges[bin];
    }

    /** The bin that a number is in; the number of bins for NaN. */
    public int of(double x) {
        if (Double.isNaN(x)) {
            return bins;
        }
        int bin = Math.max(0, Math.min(bins - 1, (int) ((x - low) * perWidth)));
        while (bin > 0 && x < edges[bin]) {
            bin--;
        }
        while (bin < bins - 1 && x >= edges[bin + 1]) {
            bin++;
        }
        return bin;
    }
}
