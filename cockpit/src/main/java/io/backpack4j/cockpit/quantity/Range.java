// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

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

    /** The range that a state holds, or another if it holds none. */
    static Range of(double @Nullable [] state, Range otherwise) {
        return state == null || state.length != 2 ? otherwise : new Range(state[0], state[1]);
    }

    double[] state() {
        return new double[] {low, high};
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
