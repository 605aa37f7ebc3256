// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.BackpackException;
import java.util.Arrays;

/**
 * Which samples belong to the same person, or whatever else is to be protected as a whole. Immutable.
 */
public final class PrivacyUnits {

    private final int[] unitOfSample;

    private PrivacyUnits(int[] unitOfSample) {
        this.unitOfSample = unitOfSample;
    }

    /**
     * Takes the unit of every sample.
     *
     * @param unitOfSample by the samples' ids, which are their numbers in the source; not negative
     * @throws BackpackException if one is negative
     */
    public static PrivacyUnits of(int... unitOfSample) {
        int[] copy = unitOfSample.clone();
        if (Arrays.stream(copy).anyMatch(unit -> unit < 0)) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY, "A unit's number is negative, but must be at least 0.");
        }
        return new PrivacyUnits(copy);
    }

    /**
     * The unit of a sample.
     *
     * @throws BackpackException if the sample has none
     */
    public int of(long id) {
        if (id < 0 || id >= unitOfSample.length) {
            throw new BackpackException(
                    PrivacyProblems.INVALID_PRIVACY,
                    "Sample %d belongs to no unit. There are units for the samples 0 to %d."
                            .formatted(id, unitOfSample.length - 1));
        }
        return unitOfSample[(int) id];
    }
}
