// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import java.util.ArrayList;
import java.util.List;
import org.hipparchus.special.Erf;
import org.hipparchus.special.Gamma;

/**
 * Rényi differential privacy: an upper bound that is quick and not tight. Orders of the subsampled Gaussian mechanism
 * by I. Mironov, K. Talwar, L. Zhang (2019), "Rényi differential privacy of the sampled Gaussian mechanism", section
 * 3.3; from orders to (ε, δ) by C. Canonne, G. Kamath, T. Steinke (2020), "The discrete Gaussian for differential
 * privacy", proposition 12.
 */
public record RdpAccountant() implements Accountant {

    /** 1.1 to 10.9, and 12 to 63, as other libraries take them. */
    private static final double[] ORDERS = orders();

    /** Terms of the series that are below e to this power are left out. */
    private static final double NEGLIGIBLE = -30;

    @Override
    public String name() {
        return "rdp";
    }

    @Override
    public boolean isBound() {
        return true;
    }

    @Override
    public double epsilon(List<Mechanism> history, double delta) {
        Accountant.requireDelta(delta);
        List<Mechanism> audible = Accountant.audible(history);
        if (audible.isEmpty()) {
            return 0;
        }
        double least = Double.POSITIVE_INFINITY;
        for (double order : ORDERS) {
            double divergence = 0;
            for (Mechanism mechanism : audible) {
                divergence += mechanism.steps() * divergence(mechanism, order);
            }
            double epsilon =
                    divergence - (Math.log(delta) + Math.log(order)) / (order - 1) + Math.log((order - 1) / order);
            if (!Double.isNaN(epsilon)) {
                least = Math.min(least, epsilon);
            }
        }
        return Math.max(0, least);
    }

    private static double[] orders() {
        List<Double> orders = new ArrayList<>();
        for (int tenth = 11; tenth < 110; tenth++) {
            orders.add(tenth / 10.0);
        }
        for (int order = 12; order < 64; order++) {
            orders.add((double) order);
        }
        return orders.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** The Rényi divergence of a single step. */
    static double divergence(Mechanism mechanism, double order) {
        double sigma = mechanism.noiseMultiplier();
        double q = mechanism.samplingRate();
        if (sigma == 0) {
            return Double.POSITIVE_INFINITY;
        }
        if (q == 1) {
            return order / (2 * sigma * sigma);
        }
        double moment = order == Math.rint(order) ? wholeMoment(q, sigma, (int) order) : moment(q, sigma, order);
        return moment / (order - 1);
    }

    /** log E[(Q/P)^α] by the binomial sum. */
    private static double wholeMoment(double q, double sigma, int order) {
        double sum = Double.NEGATIVE_INFINITY;
        for (int i = 0; i <= order; i++) {
            double term = Gamma.logGamma(order + 1.0)
                    - Gamma.logGamma(i + 1.0)
                    - Gamma.logGamma(order - i + 1.0)
                    + i * Math.log(q)
                    + (order - i) * Math.log1p(-q)
                    + (i * (double) i - i) / (2 * sigma * sigma);
            sum = logAdd(sum, term);
        }
        return sum;
    }

    /** log E[(Q/P)^α] by two series, one for each side of the point where both terms of Q are equal. */
    private static double moment(double q, double sigma, double order) {
        double below = Double.NEGATIVE_INFINITY;
        double above = Double.NEGATIVE_INFINITY;
        double middle = sigma * sigma * Math.log(1 / q - 1) + 0.5;
        double logBinomial = 0;
        boolean positive = true;
        for (int i = 0; ; i++) {
            if (i > 0) {
                double factor = (order - i + 1) / i;
                logBinomial += Math.log(Math.abs(factor));
                positive ^= factor < 0;
            }
            double rest = order - i;
            double left = logBinomial
                    + i * Math.log(q)
                    + rest * Math.log1p(-q)
                    + (i * (double) i - i) / (2 * sigma * sigma)
                    + logHalfErfc((i - middle) / (Math.sqrt(2) * sigma));
            double right = logBinomial
                    + rest * Math.log(q)
                    + i * Math.log1p(-q)
                    + (rest * rest - rest) / (2 * sigma * sigma)
                    + logHalfErfc((middle - rest) / (Math.sqrt(2) * sigma));
            below = positive ? logAdd(below, left) : logSubtract(below, left);
            above = positive ? logAdd(above, right) : logSubtract(above, right);
            if (Math.max(left, right) < NEGLIGIBLE) {
                return logAdd(below, above);
            }
        }
    }

    /** log(erfc(x) / 2), by the asymptotic series where erfc underflows. */
    private static double logHalfErfc(double x) {
        if (x < 20) {
            return Math.log(0.5 * Erf.erfc(x));
        }
        double square = x * x;
        double series = 1
                - 1 / (2 * square)
                + 3 / (4 * square * square)
                - 15 / (8 * square * square * square)
                + 105 / (16 * square * square * square * square);
        return -square - Math.log(2 * x * Math.sqrt(Math.PI)) + Math.log(series);
    }

    private static double logAdd(double a, double b) {
        double larger = Math.max(a, b);
        return larger == Double.NEGATIVE_INFINITY ? larger : larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
    }

    /** Not a number where rounding has made the difference negative; that order is left out then. */
    private static double logSubtract(double a, double b) {
        if (b == Double.NEGATIVE_INFINITY) {
            return a;
        }
        return a == b ? Double.NEGATIVE_INFINITY : a + Math.log1p(-Math.exp(b - a));
    }
}
