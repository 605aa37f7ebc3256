// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import java.util.List;

/** Which eigenpairs are kept. Best a record: equal criteria make equal extensions. */
@FunctionalInterface
public interface Criterion {

    /**
     * Chooses.
     *
     * @param eigenvalues those of a group, ascending, as {@link GgnEigenvalues} reports them
     * @return the numbers of those that are kept, counted from 0, or negative from the end of the list: −1 is the
     *     largest. None twice
     */
    List<Integer> keep(double... eigenvalues);

    /**
     * How many it keeps at most, for the memory of a plan.
     *
     * @param eigenvalues how many there are
     */
    default long most(long eigenvalues) {
        return eigenvalues;
    }

    /**
     * How many of the largest eigenvalues it chooses from: where these are few, the others are not worked out, and
     * {@link #keep} sees these alone. All by default.
     *
     * @param eigenvalues how many there are
     */
    default long among(long eigenvalues) {
        return eigenvalues;
    }
}
