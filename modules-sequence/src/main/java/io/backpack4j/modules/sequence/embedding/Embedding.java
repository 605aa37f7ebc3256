// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.embedding;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a table {@code weight [num, dim]} that integers {@code [N, *]} name: {@code [N, *, dim]}.
 *
 * @param numEmbeddings the number of rows
 * @param embeddingDim the length of a row
 * @param paddingIdx a row that is a constant: it is looked up as it is and has no derivatives; null for none
 */
public record Embedding(
        long numEmbeddings, long embeddingDim, @Nullable Long paddingIdx) implements Module {

    public Embedding {
        Lookup.checkTable("Embedding", numEmbeddings, embeddingDim, paddingIdx);
    }

    /** Without a row for padding. */
    public Embedding(long numEmbeddings, long embeddingDim) {
        this(numEmbeddings, embeddingDim, null);
    }

    @Override
    public boolean takesIntegers(int input) {
        return true;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape ids = ModuleChecks.single(this, inputs);
        return Lookup.declare(ids, ids.append(embeddingDim), numEmbeddings, embeddingDim, paddingIdx);
    }

    /** The table is shared by all axes of the ids: it treats these on their own, and no others. */
    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        int features = inputs.get(0).rank();
        boolean exactly = outputAxes.size() == features && !outputAxes.contains(features);
        return exactly ? Optional.of(outputAxes) : Optional.empty();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Lookup lookup = Lookup.of(context, this, inputs.get(0), numEmbeddings, paddingIdx);
        return LookupEvaluation.ofRows(context, lookup, ModuleChecks.parameter(parameters, Lookup.WEIGHT));
    }
}
