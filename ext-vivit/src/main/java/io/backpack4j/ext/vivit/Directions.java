// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * Which eigenvectors are taken.
 *
 * @param criterion chooses by the eigenvalues
 * @param drop whether those whose eigenvalue counts as zero are left out; else they are an error, since their
 *     directions have no meaning
 * @param rtol eigenvalues count as zero that are not larger than this times the largest; the number of the Gram
 *     matrix's rows times the type's rounding if empty
 */
public record Directions(Criterion criterion, boolean drop, OptionalDouble rtol) {

    /** Checks. */
    public Directions {
        if (rtol.isPresent() && !(rtol.getAsDouble() >= 0 && rtol.getAsDouble() < 1)) {
            throw invalid("rtol", "%s, but must be at least 0 and less than 1".formatted(rtol.getAsDouble()));
        }
    }

    /** Keeps those of the largest eigenvalues, in ascending order. */
    record Top(int count) implements Criterion {

        Top {
            if (count < 1) {
                throw invalid("top", "%d, but must be at least 1".formatted(count));
            }
        }

        @Override
        public List<Integer> keep(double... eigenvalues) {
            return IntStream.rangeClosed(-count, -1).boxed().toList();
        }

        @Override
        public long most(long eigenvalues) {
            return count;
        }

        @Override
        public long among(long eigenvalues) {
            return Math.min(count, eigenvalues);
        }
    }

    /** Keeps those that are named, in the order of their names. */
    record Named(List<Integer> indices) implements Criterion {

        Named {
            indices = List.copyOf(indices);
            if (indices.isEmpty()) {
                throw invalid("keep", "empty, but must name one eigenvalue at least");
            }
        }

        @Override
        public List<Integer> keep(double... eigenvalues) {
            return indices;
        }

        @Override
        public long most(long eigenvalues) {
            return indices.size();
        }

        @Override
        public long among(long eigenvalues) {
            int least = indices.stream().mapToInt(Integer::intValue).min().orElseThrow();
            boolean fromTheEnd = indices.stream().allMatch(index -> index < 0);
            return fromTheEnd ? Math.min(-(long) least, eigenvalues) : eigenvalues;
        }
    }

    /** Keeps those whose eigenvalues are at least a part of the largest, in ascending order. */
    record Threshold(double relative) implements Criterion {

        Threshold {
            if (!(relative > 0 && relative <= 1)) {
                throw invalid("threshold", "%s, but must be more than 0 and at most 1".formatted(relative));
            }
        }

        @Override
        public List<Integer> keep(double... eigenvalues) {
            double least = relative * eigenvalues[eigenvalues.length - 1];
            return IntStream.range(0, eigenvalues.length)
                    .filter(k -> eigenvalues[k] >= least && eigenvalues[k] > 0)
                    .boxed()
                    .toList();
        }
    }

    private static BackpackException invalid(String option, String problem) {
        return new BackpackException(
                CommonProblems.INVALID_ARGUMENT, "Option '%s' of eigenvectors is %s.".formatted(option, problem));
    }

    /** Those of the K largest eigenvalues. */
    public static Directions top(int count) {
        return of(new Top(count));
    }

    /** Those of some eigenvalues in the ascending list, negative numbers counting from its end. */
    public static Directions keep(Integer... indices) {
        return of(new Named(List.of(indices)));
    }

    /** Those whose eigenvalues are at least a part of the largest, without those that count as zero. */
    public static Directions threshold(double relative) {
        return of(new Threshold(relative)).dropping();
    }

    /** Those that a function of the eigenvalues chooses. */
    public static Directions of(Criterion criterion) {
        return new Directions(criterion, false, OptionalDouble.empty());
    }

    /** The same without those whose eigenvalues count as zero. */
    public Directions dropping() {
        return new Directions(criterion, true, rtol);
    }

    /** The same with another limit of what counts as zero. */
    public Directions rtol(double other) {
        return new Directions(criterion, drop, OptionalDouble.of(other));
    }

    /** Whether fewer may come out than {@link Criterion#most} says. */
    boolean areVariable() {
        return drop || !(criterion instanceof Top || criterion instanceof Named);
    }
}
