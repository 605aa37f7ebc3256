// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.IntStream;

/** The K eigenvectors of a group that are kept, and what follows from their Gram vectors ẽ_k. */
final class KeptDirections {

    /** 2⁻⁵², 2⁻²³: the distance of 1 to the next number. */
    private static final double ROUNDING_OF_DOUBLE = Math.ulp(1.0);

    private static final double ROUNDING_OF_FLOAT = Math.ulp(1.0f);

    private final Group group;
    private final NetworkPartial partial;
    private final Eigenpairs pairs;
    private final int[] kept;

    /**
     * Creates directions.
     *
     * @param kept their numbers among the pairs
     */
    private KeptDirections(Group group, Eigenpairs pairs, int[] kept) {
        this.group = group;
        this.partial = group.partial();
        this.pairs = pairs;
        this.kept = kept;
    }

    /**
     * Chooses.
     *
     * @param extension whose, for messages
     * @throws BackpackException if some are wanted whose eigenvalues count as zero, or none is left
     */
    static KeptDirections of(String extension, Directions directions, Group group) {
        int count = (int) group.count();
        long most = directions.criterion().most(count);
        if (most > count && !directions.drop()) {
            throw rankTooLow(
                    extension,
                    "wants %d eigenpairs of group %d, whose GGN has at most %d, the smaller of its root's %d columns and its %d parameters."
                            .formatted(most, group.index(), count, group.rows(), group.parameters()),
                    count);
        }
        Eigenpairs pairs = group.largest(Math.min(directions.criterion().among(count), count));
        if (group.partial().isTrial()) {
            int planned = (int) Math.min(most, count);
            int[] largest =
                    IntStream.range(pairs.count() - planned, pairs.count()).toArray();
            return new KeptDirections(group, pairs, largest);
        }
        return new KeptDirections(group, pairs, chosen(extension, directions, group, pairs.ofGgn()));
    }

    /**
     * Chooses among the largest eigenvalues.
     *
     * @param largest all that the criterion may choose from
     */
    private static int[] chosen(String extension, Directions directions, Group group, double... largest) {
        int count = (int) group.count();
        int first = count - largest.length;
        double rounding = group.partial().dtype() == DType.FLOAT64 ? ROUNDING_OF_DOUBLE : ROUNDING_OF_FLOAT;
        double limit = directions.rtol().orElse(group.rows() * rounding) * Math.max(0, largest[largest.length - 1]);
        Set<Integer> chosen = new LinkedHashSet<>();
        for (int given : directions.criterion().keep(largest.clone())) {
            int index = given < 0 ? given + count : given;
            boolean exists = index >= first && index < count;
            if (!exists && !directions.drop()) {
                throw new BackpackException(
                        CommonProblems.INVALID_ARGUMENT,
                        "%s keeps eigenvalue %d of group %d, which has %d: possible are 0 to %d, and −%d to −1 from the end."
                                .formatted(extension, given, group.index(), count, count - 1, count));
            }
            if (exists && largest[index - first] > limit) {
                if (!chosen.add(index - first)) {
                    throw new BackpackException(
                            CommonProblems.INVALID_ARGUMENT,
                            "%s keeps eigenvalue %d of group %d twice.".formatted(extension, given, group.index()));
                }
            } else if (!directions.drop()) {
                int rank = rank(group, limit);
                throw rankTooLow(
                        extension,
                        "keeps eigenvalue %d of group %d, %s, which counts as zero: the numerical rank is %d, that of eigenvalues above %s."
                                .formatted(given, group.index(), largest[index - first], rank, limit),
                        rank);
            }
        }
        if (chosen.isEmpty()) {
            int rank = rank(group, limit);
            throw rankTooLow(
                    extension,
                    "keeps no eigenvalue of group %d, whose numerical rank is %d and whose largest eigenvalue is %s."
                            .formatted(group.index(), rank, largest[largest.length - 1]),
                    rank);
        }
        return chosen.stream().mapToInt(Integer::intValue).toArray();
    }

    private static int rank(Group group, double limit) {
        return (int) Arrays.stream(group.eigenvalues())
                .filter(value -> value > limit)
                .count();
    }

    private static BackpackException rankTooLow(String extension, String problem, int rank) {
        return new BackpackException(
                VivitProblems.RANK_TOO_LOW,
                "%s %s Ask for at most %d with top=, let others be dropped with drop=true, or say with rtol= what counts as zero."
                        .formatted(extension, problem, rank));
    }

    /** K. */
    int count() {
        return kept.length;
    }

    /** The eigenvalues of the GGN, {@code [K]}. */
    double[] eigenvalues() {
        return Arrays.stream(kept).mapToDouble(k -> pairs.ofGgn()[k]).toArray();
    }

    /** What makes a unit vector of the combination V ẽ_k; zero where there is none, as in a trial. */
    private double normalising(int k) {
        double square = pairs.ofGram()[kept[k]];
        return square > 0 ? 1 / Math.sqrt(square) : 0;
    }

    /** The weights of the columns that make the eigenvectors, {@code [K, V, N]}. */
    Tensor weights() {
        Tensor weights = partial.scope().allocate(weightsOf(count()), partial.dtype());
        double[] row = new double[(int) (columns() * partial.samples())];
        double[] vector = new double[(int) group.rows()];
        for (int k = 0; k < count(); k++) {
            Arrays.fill(row, 0);
            add(k, normalising(k), vector, row);
            weights.write((long) k * row.length, row, 0, row.length);
        }
        return weights;
    }

    /** The weights of the columns that make Σ_k coefficient_k e_k, {@code [1, V, N]}. */
    Tensor weights(double... coefficients) {
        double[] row = new double[(int) (columns() * partial.samples())];
        double[] vector = new double[(int) group.rows()];
        for (int k = 0; k < count(); k++) {
            add(k, coefficients[k] * normalising(k), vector, row);
        }
        return partial.backend().upload(partial.scope(), weightsOf(1), partial.dtype(), row);
    }

    private Shape weightsOf(long count) {
        return Shape.of(count, columns(), partial.samples());
    }

    /** V. */
    private long columns() {
        return group.rows() / group.root().samples(partial.samples());
    }

    /** Adds a multiple of a Gram vector, of some samples, to weights of all. */
    private void add(int k, double factor, double[] vector, double[] row) {
        pairs.readVector(kept[k], vector);
        int taken = (int) group.root().samples(partial.samples());
        int samples = (int) partial.samples();
        for (int i = 0; i < vector.length; i++) {
            int column = i / taken;
            row[column * samples + group.root().position(i % taken)] += factor * vector[i];
        }
    }

    /** λ_nk = N_ggn λ_k ‖ẽ_k[n]‖², {@code [N_ggn, K]}: the curvature of sample n along e_k. */
    double[][] curvatures() {
        int samples = (int) group.root().samples(partial.samples());
        double[] eigenvalues = eigenvalues();
        double[] vector = new double[(int) group.rows()];
        double[][] curvatures = new double[samples][count()];
        for (int k = 0; k < count(); k++) {
            pairs.readVector(kept[k], vector);
            for (int i = 0; i < vector.length; i++) {
                curvatures[i % samples][k] += samples * eigenvalues[k] * vector[i] * vector[i];
            }
        }
        return curvatures;
    }

    /** γ_nk = e_kᵀ g_n, {@code [N_grad, K]}: the slope of sample n along e_k. */
    Tensor slopes() {
        Tensor products = partial.group(group.slopes());
        double ofGradients = partial.samples() * partial.meanNormaliser() / partial.normaliser();
        Tensor slopes = partial.scope().allocate(Shape.of(products.shape().size(1), count()), partial.dtype());
        try (TensorScope scope = partial.backend().openScope()) {
            DType dtype = products.dtype();
            Tensor vectors = scope.allocate(Shape.of(count(), group.rows()), dtype);
            double[] vector = new double[(int) group.rows()];
            double[] factors = new double[count()];
            for (int k = 0; k < count(); k++) {
                pairs.readVector(kept[k], vector);
                vectors.write((long) k * vector.length, vector, 0, vector.length);
                factors[k] = ofGradients * normalising(k);
            }
            Tensor sums = dtype == partial.dtype() ? slopes : scope.allocate(slopes.shape(), dtype);
            partial.backend().products().multiply(products, true, vectors, true, 1, 0, sums);
            Tensor scales = partial.backend().upload(scope, Shape.of(count()), dtype, factors);
            partial.backend().elementwise().combine(BinaryOperation.MULTIPLY, sums, scales, sums);
            if (sums != slopes) {
                partial.backend().elementwise().copy(sums, slopes);
            }
        }
        return slopes;
    }

    /** Rows of numbers as a tensor. */
    Tensor uploaded(double[]... rows) {
        double[] all = Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
        return partial.backend().upload(partial.scope(), Shape.of(rows.length, count()), partial.dtype(), all);
    }
}
