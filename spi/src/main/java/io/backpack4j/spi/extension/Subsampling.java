// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The option {@code subsampling} of extensions with one result per sample: the positions in the batch that are wanted,
 * from 0 on, in order, repetitions allowed; all if empty.
 */
public final class Subsampling {

    private static final String OPTION = "subsampling";

    private Subsampling() {}

    /** Reads the option. */
    public static Optional<List<Integer>> of(Arguments options) {
        return of(options, OPTION);
    }

    /**
     * Reads an option of another name, for extensions that take several sub-samples.
     *
     * @param option such as {@code subsampling_grad}
     */
    public static Optional<List<Integer>> of(Arguments options, String option) {
        if (!options.has(option)) {
            return Optional.empty();
        }
        List<Integer> positions = new ArrayList<>();
        for (long position : options.integers(option)) {
            if (position < 0 || position > Integer.MAX_VALUE) {
                throw options.wrong(
                        option, "a list of positions in the batch, counted from 0", options.integers(option));
            }
            positions.add((int) position);
        }
        return Optional.of(positions);
    }

    /**
     * Checks positions as far as the batch need not be known.
     *
     * @param extension whose option it is
     * @return a copy
     */
    public static Optional<List<Integer>> checked(Extension<?> extension, Optional<List<Integer>> positions) {
        return checked(extension.type(), OPTION, positions);
    }

    /**
     * Checks those of an option of another name.
     *
     * @param type the type of the extension whose option it is
     * @return a copy
     */
    public static Optional<List<Integer>> checked(String type, String option, Optional<List<Integer>> positions) {
        positions.ifPresent(list -> check(type, option, list));
        return positions.map(List::copyOf);
    }

    private static void check(String type, String option, List<Integer> positions) {
        if (positions.isEmpty()) {
            throw invalid(type, option, "names no position; leave it out to have all samples");
        }
        for (int position : positions) {
            if (position < 0) {
                throw invalid(
                        type,
                        option,
                        "asks for position %d, but positions in the batch are counted from 0".formatted(position));
            }
        }
    }

    /**
     * Checks that a batch has the positions.
     *
     * @param extension whose option it is
     * @param samples the number of samples of the batch
     */
    public static void requireWithin(Extension<?> extension, Optional<List<Integer>> positions, long samples) {
        requireWithin(extension.type(), OPTION, positions, samples);
    }

    /**
     * Checks that a batch has the positions of an option of another name.
     *
     * @param type the type of the extension whose option it is
     * @param samples the number of samples of the batch
     */
    public static void requireWithin(String type, String option, Optional<List<Integer>> positions, long samples) {
        for (int position : positions.orElse(List.of())) {
            if (position >= samples) {
                throw invalid(
                        type,
                        option,
                        "asks for position %d, but the batch has %d samples: possible are 0 to %d"
                                .formatted(position, samples, samples - 1));
            }
        }
    }

    private static BackpackException invalid(String type, String option, String problem) {
        return new BackpackException(
                CommonProblems.INVALID_ARGUMENT, "Option '%s' of %s %s.".formatted(option, type, problem));
    }
}
