// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.backpack4j.spi.BackpackException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Accountants beside those of Opacus 1.5.4 (its PRV with an error of 0.001: lower bound, estimate, upper bound), and
 * beside what is known in closed form.
 */
class AccountantsTest {

    /** Fine lattices of many steps take seconds: they are checked where this property is set. */
    private static final boolean ALL = Boolean.getBoolean("backpack.privacy.all");

    @ParameterizedTest
    @CsvSource(textBlock = """
                1.1, 0.01, 1000, 1e-05, 1.7117700912203435, 1.3774291008106267, 1.5142548925493324, 1.5153619474056765, 1.5164691054487172
                0.8, 0.02, 500, 1e-05, 5.370137866453623, 3.7203808806661898, 4.666670164220089, 4.668011760828399, 4.669353692924945
                1.0, 0.004, 5000, 1e-05, 1.6990717753737625, 1.4296232755759701, 1.5097218170908764, 1.5108232733250693, 1.5119248266409557
                2.0, 0.05, 2000, 1e-06, 6.540308097944692, 5.973337477238203, 6.10528893304009, 6.106551630242815, 6.107814580134703
                0.6, 0.01, 200, 1e-05, 5.517950460154548, 2.213914147395637, 4.457076761520226, 4.458517461189636, 4.459958596340014
                1.3, 0.0128, 780, 1e-05, 1.455910610962843, 1.2199875009737784, 1.312953572347012, 1.3140450222259472, 1.3151365595339128
                4.0, 0.1, 1000, 1e-05, 3.736241517996425, 3.401845667920433, 3.4431456843545343, 3.444339897657798, 3.445534295664353
                1.0, 0.001, 20000, 1e-06, 1.1015791919861064, 0.7687720549553078, 0.7925514129174172, 0.7935956180273076, 0.7946398655172988
                0.7, 0.005, 3000, 0.0001, 3.6666754061491944, 2.5391971149997894, 3.035004092964939, 3.036304498963447, 3.0376052016665764
                1.5, 0.25, 100, 1e-05, 10.5728425843058, 9.206946903242196, 9.684293374219582, 9.6858058061924, 9.687318730623364
                3.0, 1.0, 10, 1e-05, 5.023949750348651, 4.807230298462896, 4.651739029873102, 4.65298454806416, 4.654230292799739
                10.0, 1.0, 100, 1e-06, 5.2215396311544175, 4.90048965869727, 4.885344068279808, 4.8865541389726435, 4.887764411024905
                1.0, 0.5, 5, 1e-05, 8.23042406430393, 6.858348859180731, 7.420822434490848, 7.422289690342018, 7.4237573879312215
                0.9, 0.02, 50, 0.001, 1.1667482071560704, 0.5105895275903374, 0.7280943038785506, 0.7292577882097094, 0.730421439894115
                5.0, 0.3, 400, 1e-05, 5.979096177064167, 5.477630316825373, 5.531326206275117, 5.532614836754351, 5.533903741926889
                1.2, 0.0005, 50000, 1e-07, 0.7408680572950392, 0.5037292269575866, 0.5097223557646272, 0.5107461184261558, 0.5117699039470924
                0.5, 0.002, 100, 1e-05, 4.331967685311491, 0.5161656351479885, 3.097705649558905, 3.0991845523451156, 3.1006639192058905
                2.5, 0.02, 10000, 1e-05, 3.871787031753041, 3.5475242589970897, 3.5725208633054844, 3.5737197848869364, 3.5749188955388282
                1.0, 0.01, 1, 1e-05, 0.9555491477031676, 0.03676581756832326, 0.1983908412174906, 0.1994504979180182, 0.20051021389780854
                1.7, 0.08, 300, 1e-08, 5.900399799942058, 5.081829254971042, 5.539913452755137, 5.541105891041904, 5.54229851721527
                """)
    void epsilonIsThatOfOpacus(
            double sigma,
            double q,
            long steps,
            double delta,
            double rdp,
            double gdp,
            double low,
            double prv,
            double high) {
        List<Mechanism> history = List.of(new Mechanism(sigma, q, steps));
        assertThat(new RdpAccountant().epsilon(history, delta)).isCloseTo(rdp, within(1e-6));
        assertThat(new GdpAccountant().epsilon(history, delta)).isCloseTo(gdp, within(1e-6));
        assumeThat(ALL || steps <= 1000)
                .as("a lattice of %s steps takes seconds; -Dbackpack.privacy.all=true has all", steps)
                .isTrue();
        assertThat(new PrvAccountant().epsilon(history, delta)).isBetween(low, 1.01 * prv + 0.0105);
        assumeThat(ALL || steps <= 5)
                .as("a fine lattice of %s steps takes seconds; -Dbackpack.privacy.all=true has all", steps)
                .isTrue();
        assertThat(new PrvAccountant(1e-3).epsilon(history, delta))
                .isGreaterThanOrEqualTo(low)
                .isCloseTo(high, within(0.002 + 0.01 * high));
    }

    @Test
    void gaussianMechanismOfAllSamplesIsExact() {
        // T steps with σ are one with σ/√T; δ(ε) by B. Balle, Y.-X. Wang (2018), theorem 8.
        double mu = Math.sqrt(16) / 5.0;
        double epsilon = new PrvAccountant().epsilon(List.of(new Mechanism(5, 1, 16)), 1e-5);
        double below = epsilon - 2.1e-2;
        assertThat(exactDelta(epsilon, mu)).isLessThanOrEqualTo(1e-5);
        assertThat(exactDelta(below, mu)).isGreaterThan(1e-5);
    }

    private static double exactDelta(double epsilon, double mu) {
        return normal(mu / 2 - epsilon / mu) - Math.exp(epsilon) * normal(-mu / 2 - epsilon / mu);
    }

    private static double normal(double x) {
        return 0.5 * org.hipparchus.special.Erf.erfc(-x / Math.sqrt(2));
    }

    @Test
    void historiesOfSeveralMechanismsCompose() {
        List<Mechanism> parts =
                List.of(new Mechanism(1, 0.02, 30), new Mechanism(1, 0.02, 0), new Mechanism(1, 0.02, 70));
        List<Mechanism> whole = List.of(new Mechanism(1, 0.02, 100));
        for (Accountant accountant : List.of(new PrvAccountant(), new RdpAccountant(), new GdpAccountant())) {
            assertThat(accountant.epsilon(parts, 1e-5))
                    .as(accountant.name())
                    .isCloseTo(accountant.epsilon(whole, 1e-5), within(1e-6));
        }
        double mixed = new PrvAccountant().epsilon(List.of(new Mechanism(1, 0.02, 100), new Mechanism(3, 1, 1)), 1e-5);
        assertThat(mixed).isGreaterThan(new PrvAccountant().epsilon(whole, 1e-5));
        assertThat(mixed)
                .isLessThan(new RdpAccountant()
                        .epsilon(List.of(new Mechanism(1, 0.02, 100), new Mechanism(3, 1, 1)), 1e-5));
    }

    @Test
    void whatSaysNothingCostsNothingAndWhatHasNoNoiseCostsAll() {
        for (Accountant accountant : List.of(new PrvAccountant(), new RdpAccountant(), new GdpAccountant())) {
            assertThat(accountant.epsilon(List.of(), 1e-5)).isZero();
            assertThat(accountant.epsilon(List.of(new Mechanism(1, 0, 10)), 1e-5))
                    .isZero();
            assertThat(accountant.epsilon(List.of(new Mechanism(0, 0.1, 1)), 1e-5))
                    .isInfinite();
            assertThat(accountant.epsilon(List.of(new Mechanism(1000, 0.001, 1)), 0.1))
                    .isNotNegative();
            assertThatThrownBy(() -> accountant.epsilon(List.of(), 0)).isInstanceOf(BackpackException.class);
        }
        assertThatThrownBy(() -> new Mechanism(1, 1.5, 1)).hasMessageContaining("sampling rate is 1.5");
        assertThatThrownBy(() -> Accountant.of("moments")).hasMessageContaining("prv, rdp, gdp");
    }

    @Test
    void hugeLossesFallBackToTheBoundThatIsQuick() {
        List<Mechanism> history = List.of(new Mechanism(0.1, 0.5, 10_000));
        assertThat(new PrvAccountant().epsilon(history, 1e-5)).isEqualTo(new RdpAccountant().epsilon(history, 1e-5));
    }

    @Test
    void noiseForABudgetSpendsItAndNoMore() {
        double sigma = NoiseCalibration.noiseFor(new RdpAccountant(), 3, 1e-5, 0.02, 500);
        assertThat(new RdpAccountant().epsilon(List.of(new Mechanism(sigma, 0.02, 500)), 1e-5))
                .isBetween(2.98, 3.0);
        assertThatThrownBy(() -> NoiseCalibration.noiseFor(new GdpAccountant(), 3, 1e-5, 0.02, 500))
                .hasMessageContaining("approximation");
    }
}
