package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * The outer edges of bins.
 *
 * @param low the lower
 * @param high the upper
 */
record Range(double low, double high) {

    /** As a type rounds them: bins are made of what a tensor can hold. */
    Range rounded(DType dtype) {
        return dtype == DType.FLOAT32 ? new Range((float) low, (float) high) : this;
    }

    Range times(double factor) {
        return new Range(low * factor, high * factor);
    }

    /** All edges. */
    List<Double> edges(int bins) {
        List<Double> edges = new ArrayList<>();
        for (int i = 0; i <= bins; i++) {
            edges.add((low * (bins - i) + high * i) / bins);
        }
        return edges;
    }
}
