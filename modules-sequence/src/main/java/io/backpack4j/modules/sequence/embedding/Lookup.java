// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import io.backpack4j.modules.sequence.SequenceProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which rows of a table the samples of a batch look up: S of each.
 *
 * @param indices the rows, INT64 {@code [N, *]}; nothing for a join of several lookups, which has no tensor of its own
 * @param rows the same numbers, N · S of them
 * @param samples N
 * @param positions S
 * @param tableRows the number of the table's rows
 * @param padding the row that has no derivatives, −1 for none
 */
record Lookup(Optional<Tensor> indices, long[] rows, int samples, int positions, long tableRows, long padding) {

    static final String WEIGHT = "weight";

    static void checkTable(String type, long rows, long length, @Nullable Long padding) {
        ModuleChecks.positive(type, "num_embeddings", rows);
        ModuleChecks.positive(type, "embedding_dim", length);
        if (rows > Integer.MAX_VALUE) {
            throw ModuleChecks.invalid(type, "num_embeddings", rows, "at most " + Integer.MAX_VALUE);
        }
        if (padding != null && (padding < 0 || padding >= rows)) {
            throw ModuleChecks.invalid(
                    type,
                    "padding_idx",
                    padding,
                    "a row from 0 to %d, or counted from the last as −1".formatted(rows - 1));
        }
    }

    /**
     * Rows start as PyTorch's: normal, and zero for padding.
     *
     * @param ids of a sample
     */
    static ModuleDeclaration declare(Shape ids, Shape output, long rows, long length, @Nullable Long padding) {
        Initializer normal = new Initializer.Normal(1);
        Initializer initializer = padding == null ? normal : new Initializer.ZeroRow(normal, padding);
        return ModuleDeclaration.output(output)
                .retainInputs()
                .parameter(ParameterSpec.parameter(WEIGHT, Shape.of(rows, length), initializer)
                        .withKronecker(KroneckerSizes.table(length, rows))
                        .withLookups(ids.elements()));
    }

    /** Reads the indices and requires that the table has them. */
    static Lookup of(EvaluationContext context, Module module, Tensor indices, long tableRows, @Nullable Long padding) {
        long[] rows = indices.toLongArray();
        int samples = Math.toIntExact(indices.shape().size(0));
        int positions = samples == 0 ? 0 : rows.length / samples;
        for (int i = 0; i < rows.length; i++) {
            if (rows[i] < 0 || rows[i] >= tableRows) {
                throw new BackpackException(
                        SequenceProblems.INDEX_OUT_OF_RANGE,
                        "%s has rows 0 to %d, but sample %d looks up row %d at position %d. Correct the input, or enlarge num_embeddings = %d."
                                .formatted(
                                        module.type(),
                                        tableRows - 1,
                                        context.sampleIds()[i / positions],
                                        rows[i],
                                        i % positions,
                                        tableRows));
            }
        }
        return new Lookup(Optional.of(indices), rows, samples, positions, tableRows, padding == null ? -1 : padding);
    }

    /** Whether the same rows of tables of one size are looked up. */
    boolean isSame(Lookup other) {
        return tableRows == other.tableRows && positions == other.positions && Arrays.equals(rows, other.rows);
    }

    /** N · S. */
    long count() {
        return rows.length;
    }

    boolean hasPadding() {
        return padding >= 0;
    }

    /**
     * How much every position counts, N · S numbers: 1, or one over those of its sample that are no padding; 0 for
     * padding.
     */
    double[] factors(boolean mean) {
        double[] factors = new double[rows.length];
        for (int first = 0; first < factors.length; first += Math.max(1, positions)) {
            int counted = 0;
            for (int i = first; i < first + positions; i++) {
                counted += rows[i] == padding ? 0 : 1;
            }
            for (int i = first; i < first + positions; i++) {
                factors[i] = rows[i] == padding ? 0 : mean ? 1.0 / counted : 1;
            }
        }
        return factors;
    }
}
