// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.tensor.DType;
import java.util.Arrays;
import java.util.Map;

/** An element type, the kernels that calculate with it, and how exact they are. */
enum Setting {
    FLOAT64(DType.FLOAT64, Map.of(), 1e-8, 1e-7),
    FLOAT32(DType.FLOAT32, Map.of(), 1e-5, 1e-4),
    FLOAT32_FALLBACK(DType.FLOAT32, Map.of("backpack.cpu.kernels", "nd4j"), 1e-5, 1e-4);

    private final DType dtype;
    private final Map<String, String> properties;
    private final double absolute;
    private final double relative;

    Setting(DType dtype, Map<String, String> properties, double absolute, double relative) {
        this.dtype = dtype;
        this.properties = properties;
        this.absolute = absolute;
        this.relative = relative;
    }

    DType dtype() {
        return dtype;
    }

    BackPack open(int threads) {
        return BackPack.builder()
                .backend("cpu")
                .threads(threads)
                .properties(properties)
                .build();
    }

    /** Checks |a − b| ≤ absolute + relative · max|b|. */
    void assertClose(String what, double[] actual, double[] expected) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
        assertThat(actual).as("%s in %s", what, this).containsExactly(expected, within(absolute + relative * largest));
    }

    /** Checks that there are the same results, and that all are close. */
    void assertClose(String what, Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).as(what).containsExactlyInAnyOrderElementsOf(expected.keySet());
        expected.forEach((name, values) -> assertClose(name + " of " + what, actual.get(name), values));
    }
}
