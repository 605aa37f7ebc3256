// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy.accountant;

import io.backpack4j.privacy.PrivacyProblems;
import io.backpack4j.spi.BackpackException;
import java.util.List;

/** Composes mechanisms. Immutable; any number of threads may ask. */
public interface Accountant {

    /** The name by which users ask for it, such as {@code prv}. */
    String name();

    /**
     * Whether {@link #epsilon} is an upper bound, rather than an approximation that may be below the truth. Only bounds
     * may decide when to stop.
     */
    boolean isBound();

    /**
     * ε, so that everything together is (ε, δ)-differentially private.
     *
     * @param history all steps, in any order
     * @param delta δ, between 0 and 1
     * @return at least 0; infinite where there was no noise
     * @throws BackpackException if δ is out of its range
     */
    double epsilon(List<Mechanism> history, double delta);

    /** The accountant of a name: {@code prv}, {@code rdp} or {@code gdp}. */
    static Accountant of(String name) {
        return switch (name) {
            case "prv" -> new PrvAccountant();
            case "rdp" -> new RdpAccountant();
            case "gdp" -> new GdpAccountant();
            default ->
                throw new BackpackException(
                        PrivacyProblems.INVALID_PRIVACY,
                        "There is no accountant '%s'. Possible: prv, rdp, gdp.".formatted(name));
        };
    }

    /** Fails unless δ is between 0 and 1. */
    static void requireDelta(double delta) {
        if (!(delta > 0 && delta < 1)) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "δ is %s, but must be above 0 and below 1; below one over the number of samples is usual."
                            .formatted(delta));
        }
    }

    /** Steps that cost something; none if nothing gets out. */
    static List<Mechanism> audible(List<Mechanism> history) {
        return history.stream().filter(mechanism -> !mechanism.isSilent()).toList();
    }
}
