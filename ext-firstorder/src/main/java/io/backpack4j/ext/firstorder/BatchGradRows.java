// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.firstorder;

import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.Subsampling;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.MergeRule;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The individual gradients g_n as rows with their ids: the numbers of {@link BatchGrad} in the memory of those rows
 * that occur. A table, such as an embedding's, has the rows that a sample looks up, {@code [N, K]} ids and {@code [N,
 * K, *row]} numbers, K being the number of positions of a sample. A parameter of which all rows have a part, or of
 * which samples look up more rows than there are, has all of them: K is its first axis then, and nothing is saved.
 *
 * <p>Files have {@code <p>/grad_batch_rows/ids} and {@code <p>/grad_batch_rows/rows}.
 *
 * @param subsampling the positions in the batch that are wanted, from 0 on, in order, repetitions allowed; all if empty
 */
public record BatchGradRows(Optional<List<Integer>> subsampling) implements Extension<RowGradients> {

    private static final String IDS = "ids";
    private static final String ROWS = "rows";
    private static final String GRADIENTS = "gradients";

    public BatchGradRows {
        subsampling = Subsampling.checked(this, subsampling);
    }

    /** Of all samples. */
    public BatchGradRows() {
        this(Optional.empty());
    }

    /** Of the samples at some positions. */
    public BatchGradRows(List<Integer> subsampling) {
        this(Optional.of(subsampling));
    }

    @Override
    public String resultName() {
        return "grad_batch_rows";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        Subsampling.requireWithin(this, subsampling, site.samples());
        OptionalLong lookups = site.lookups();
        if (lookups.isPresent()) {
            long most = lookups.getAsLong();
            site.accumulate(IDS, new LossGradient(), new Contraction.LookedUpIds(most, subsampling));
            site.accumulate(ROWS, new LossGradient(), new Contraction.LookedUpRows(most, subsampling));
        } else {
            site.accumulate(GRADIENTS, new LossGradient(), new Contraction.PerSample(subsampling));
        }
    }

    @Override
    public RowGradients finish(SitePartial partial) {
        return partial.has(IDS)
                ? new RowGradients(partial.tensor(IDS), Columns.only(partial, ROWS))
                : ofAllRows(partial);
    }

    private static RowGradients ofAllRows(SitePartial partial) {
        Tensor gradients = Columns.only(partial, GRADIENTS);
        Shape shape = gradients.shape().rank() == 1 ? gradients.shape().append(1) : gradients.shape();
        Tensor ids = partial.scope().allocate(Shape.of(shape.size(0), shape.size(1)), DType.INT64);
        long[] all = new long[Math.toIntExact(shape.size(1))];
        for (int row = 0; row < all.length; row++) {
            all[row] = row;
        }
        for (long sample = 0; sample < shape.size(0); sample++) {
            ids.write(sample * all.length, all, 0, all.length);
        }
        return new RowGradients(ids, partial.scope().view(gradients, shape));
    }

    @Override
    public Map<String, Tensor> export(RowGradients result) {
        return Map.of(IDS, result.ids(), ROWS, result.rows());
    }

    @Override
    public MergeRule resultRule() {
        return subsampling.isEmpty() ? MergeRule.PER_SAMPLE : MergeRule.NOT_MERGEABLE;
    }
}
