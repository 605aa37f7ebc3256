// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.ParameterGroups;
import io.backpack4j.spi.extension.Subsampling;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Options of this package's extensions, as files and command lines give them. */
final class VivitOptions {

    private VivitOptions() {}

    /** {@code groups}, {@code mc_samples} and the positions under a name that differs. */
    static GgnRoot root(Arguments options, String subsampling) {
        return new GgnRoot(ParameterGroups.of(options), Subsampling.of(options, subsampling), mcSamples(options, 0));
    }

    /** {@code mc_samples}. */
    static int mcSamples(Arguments options, int otherwise) {
        String name = "mc_samples";
        long count = options.integer(name, otherwise);
        if (count < otherwise || count > Integer.MAX_VALUE) {
            throw options.wrong(name, "an integer of at least " + otherwise, count);
        }
        return (int) count;
    }

    /**
     * One of {@code top}, the largest by default, {@code keep} and {@code threshold}, with {@code drop} and {@code
     * rtol}.
     */
    static Directions directions(Arguments options, String extension) {
        List<String> given =
                Stream.of("top", "keep", "threshold").filter(options::has).toList();
        if (given.size() > 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "%s takes one of top=K, keep=[…] and threshold=t, which say which eigenvectors are taken, but has %s."
                            .formatted(extension, String.join(" and ", given)));
        }
        Directions directions = switch (given.isEmpty() ? "top" : given.get(0)) {
            case "top" -> Directions.top(number(options, "top", options.integer("top", 1)));
            case "keep" ->
                Directions.keep(options.integers("keep").stream()
                        .map(index -> number(options, "keep", index))
                        .toArray(Integer[]::new));
            default -> Directions.threshold(options.number("threshold"));
        };
        boolean drop = options.flag("drop", directions.drop());
        OptionalDouble rtol = options.has("rtol") ? OptionalDouble.of(options.number("rtol")) : OptionalDouble.empty();
        return new Directions(directions.criterion(), drop, rtol);
    }

    private static int number(Arguments options, String name, @Nullable Long value) {
        if (value == null || value.intValue() != value) {
            throw options.wrong(name, "an integer of 32 bits", value);
        }
        return value.intValue();
    }

    /** {@code subsampling_grad}. */
    static Optional<List<Integer>> gradients(Arguments options) {
        return Subsampling.of(options, "subsampling_grad");
    }
}
