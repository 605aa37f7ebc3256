// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import java.util.List;

/**
 * Adds up privacy losses numerically: an upper bound that is tight to {@code epsilonError}. S. Gopi, Y. T. Lee, L.
 * Wutschitz (2021), "Numerical composition of differential privacy", theorem 5.5 and remark 5.6, for a sample that is
 * added and one that is removed; the larger counts. Where the numbers would not fit, because ε is in the hundreds or δ
 * below 10⁻⁹, the bound is that of {@link RdpAccountant}.
 *
 * @param epsilonError by how much the bound may exceed the truth
 */
public record PrvAccountant(double epsilonError) implements Accountant {

    private static final int LARGEST_LATTICE = 1 << 23;

    /** Transforms in double precision leave noise in probabilities: what is below cannot be told from it. */
    private static final double LEAST_DELTA = 1e-9;

    /** Which part of δ may go into errors. */
    private static final double ERROR_OF_DELTA = 1e-3;

    /** Checks. */
    public PrvAccountant {
        if (!(epsilonError > 0 && epsilonError < 1)) {
            throw new IllegalArgumentException("The error of ε must be above 0 and below 1: " + epsilonError);
        }
    }

    /** Tight to 0.01. */
    public PrvAccountant() {
        this(0.01);
    }

    @Override
    public String name() {
        return "prv";
    }

    @Override
    public boolean isBound() {
        return true;
    }

    @Override
    public double epsilon(List<Mechanism> history, double delta) {
        double bound = new RdpAccountant().epsilon(history, delta);
        List<Mechanism> audible = Accountant.audible(history);
        if (audible.isEmpty() || Double.isInfinite(bound) || delta < LEAST_DELTA) {
            return bound;
        }
        double deltaError = delta * ERROR_OF_DELTA;
        long steps = audible.stream().mapToLong(Mechanism::steps).sum();
        double width = epsilonError / Math.sqrt(steps * Math.log(12 / deltaError) / 2);
        double points = 2 * reach(audible, steps, deltaError) / width;
        if (!(points <= LARGEST_LATTICE)) {
            return bound;
        }
        int size = Integer.highestOneBit((int) Math.ceil(points) - 1) << 1;
        double largest = 0;
        for (boolean removed : new boolean[] {true, false}) {
            double estimate = LossLattice.of(audible, removed, width, size).epsilon(delta - deltaError);
            largest = Math.max(largest, estimate);
        }
        // Both are upper bounds.
        return Math.min(bound, largest + epsilonError);
    }

    /** How far losses reach, but for a part of δ's error, and a margin that is generous. */
    private double reach(List<Mechanism> history, long steps, double deltaError) {
        RdpAccountant bound = new RdpAccountant();
        double reach = Math.max(epsilonError, bound.epsilon(history, deltaError / 4));
        for (Mechanism mechanism : history) {
            Mechanism single = new Mechanism(mechanism.noiseMultiplier(), mechanism.samplingRate(), 1);
            reach = Math.max(reach, bound.epsilon(List.of(single), deltaError / (8 * steps)));
        }
        return reach + 3;
    }
}
