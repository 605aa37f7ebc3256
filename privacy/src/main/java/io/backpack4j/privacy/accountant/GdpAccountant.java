// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import java.util.List;
import org.hipparchus.analysis.solvers.BracketingNthOrderBrentSolver;
import org.hipparchus.special.Erf;

/**
 * Gaussian differential privacy: the limit of many steps with little each, μ = q √(T (e^{1/σ²} − 1)), by Z. Bu, J.
 * Dong, Q. Long, W. Su (2020), "Deep learning with Gaussian differential privacy". It is an approximation that reports
 * less than the truth, so it must not decide when a run stops.
 */
public record GdpAccountant() implements Accountant {

    private static final double MOST = 1e6;

    @Override
    public String name() {
        return "gdp";
    }

    @Override
    public boolean isBound() {
        return false;
    }

    @Override
    public double epsilon(List<Mechanism> history, double delta) {
        Accountant.requireDelta(delta);
        double squares = 0;
        for (Mechanism mechanism : Accountant.audible(history)) {
            double sigma = mechanism.noiseMultiplier();
            double q = mechanism.samplingRate();
            squares += q * q * mechanism.steps() * Math.expm1(1 / (sigma * sigma));
        }
        double mu = Math.sqrt(squares);
        if (mu == 0) {
            return 0;
        }
        if (Double.isInfinite(mu) || delta(MOST, mu) > delta) {
            return Double.POSITIVE_INFINITY;
        }
        if (delta(0, mu) <= delta) {
            return 0;
        }
        var solver = new BracketingNthOrderBrentSolver(1e-13, 1e-12, 5);
        double high = 1;
        while (delta(high, mu) > delta) {
            high *= 2;
        }
        double target = delta;
        return solver.solve(1000, epsilon -> Math.log(delta(epsilon, mu) / target), 0, high);
    }

    /** δ(ε) = Φ(−ε/μ + μ/2) − e^ε Φ(−ε/μ − μ/2). */
    private static double delta(double epsilon, double mu) {
        double second = normal(-epsilon / mu - mu / 2);
        return normal(-epsilon / mu + mu / 2) - (second == 0 ? 0 : Math.exp(epsilon + Math.log(second)));
    }

    private static double normal(double x) {
        return 0.5 * Erf.erfc(-x / Math.sqrt(2));
    }
}
