// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CurvatureTest {

    @Test
    void spectra_start_with_the_greatest_and_end_where_rounding_starts() {
        Spectrum spectrum = Spectrum.of("p", "A", new double[] {-1e-12, 0.5, 1e-9, 3, 6});
        assertThat(spectrum.size()).isEqualTo(5);
        assertThat(spectrum.greatest()).isEqualTo(6);
        assertThat(spectrum.trace()).isEqualTo(9.5);
        assertThat(spectrum.most()).isEqualTo(2);
        assertThat(spectrum.points()).containsExactly(new double[] {1, 6}, new double[] {2, 3}, new double[] {3, 0.5});
    }

    @Test
    void spectra_of_zeros_have_no_points() {
        Spectrum spectrum = Spectrum.of("p", "A", new double[3]);
        assertThat(spectrum.points()).isEmpty();
        assertThat(spectrum.most()).isZero();
    }

    @Test
    void long_spectra_have_few_points() {
        double[] values = IntStream.range(1, 1001).mapToDouble(i -> i).toArray();
        assertThat(Spectrum.of("p", "A", values).points()).hasSizeBetween(50, 120);
    }

    @Test
    void distances_are_relative() {
        FactorPair pair = FactorPair.of("p", 2, new double[] {3, 0, 0, 0}, new double[] {0, 0, 0, -4});
        assertThat(pair.distance()).isEqualTo(1.25);
        assertThat(pair.limit()).isEqualTo(4);
        assertThat(FactorPair.distance(new double[] {1}, new double[] {0})).isZero();
    }

    @Test
    void large_factors_are_compared_but_not_shown() {
        double[] factor = new double[129 * 129];
        factor[0] = 1;
        FactorPair pair = FactorPair.of("p", 129, new double[129 * 129], factor);
        assertThat(pair.exact()).isEmpty();
        assertThat(pair.distance()).isEqualTo(1);
    }
}
