package io.backpack4j.spi.extension;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The option {@code subsampling} of extensions with one result per sample: the positions in the batch that are wanted, from 0 on, in order,
 * repetitions allowed; all if empty.
 */
public final class Subsampling {

    private static final String OPTION = "subsampling";

    private Subsampling() {}

    /** Reads the option. */
    public static Optional<List<Integer>> of(Arguments options) {
        if (!options.has(OPTION)) {
            return Optional.empty();
        }
        List<Integer> positions = new ArrayList<>();
        for (long position : options.integers(OPTION)) {
            if (position < 0 || position > Integer.MAX_VALUE) {
                throw options.wrong(
                        OPTION, "a list of positions in the batch, counted from 0", options.integers(OPTION));
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
        positions.ifPresent(list -> check(extension, list));
        return positions.map(List::copyOf);
    }

    private static void check(Extension<?> extension, List<Integer> positions) {
        if (positions.isEmpty()) {
            throw invalid(extension, "names no position; leave it out to have all samples");
        }
        for (int position : positions) {
            if (position < 0) {
                throw invalid(
                        extension,
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
        for (int position : positions.orElse(List.of())) {
            if (position >= samples) {
                throw invalid(
                        extension,
                        "asks for position %d, but the batch has %d samples: possible are 0 to %d"
                                .formatted(position, samples, samples - 1));
            }
        }
    }

    private static BackpackException invalid(Extension<?> extension, String problem) {
        return new BackpackException(
                CommonProblems.INVALID_ARGUMENT, "Option 'subsampling' of " + extension.type() + " " + problem + ".");
    }
}
