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
import org.jspecify.annotations.Nullable;

/**
 * The sum or the mean of the rows of a table {@code weight [num, dim]} that the integers {@code [N, L]} of a sample
 * name: {@code [N, dim]}. Ids for padding do not count; a bag of nothing else is 0.
 *
 * @param numEmbeddings the number of rows
 * @param embeddingDim the length of a row
 * @param mode what becomes of the rows
 * @param paddingIdx a row that does not count; null for none
 */
public record EmbeddingBag(
        long numEmbeddings,
        long embeddingDim,
        Mode mode,
        @Nullable Long paddingIdx) implements Module {

    /** What becomes of a sample's rows. Not a module's mode, though PyTorch calls it so. */
    public enum Mode {
        MEAN,
        SUM
    }

    public EmbeddingBag {
        Lookup.checkTable("EmbeddingBag", numEmbeddings, embeddingDim, paddingIdx);
    }

    /** Without ids for padding. */
    public EmbeddingBag(long numEmbeddings, long embeddingDim, Mode mode) {
        this(numEmbeddings, embeddingDim, mode, null);
    }

    @Override
    public boolean takesIntegers(int input) {
        return true;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape ids = ModuleChecks.single(this, inputs);
        if (ids.rank() != 1) {
            throw ModuleChecks.mismatch(
                    this, "takes ids [N, L], a bag of L for every sample, but samples have shape %s.".formatted(ids));
        }
        return Lookup.declare(ids, Shape.of(embeddingDim), numEmbeddings, embeddingDim, paddingIdx);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Lookup lookup = Lookup.of(context, this, inputs.get(0), numEmbeddings, paddingIdx);
        Tensor weight = ModuleChecks.parameter(parameters, Lookup.WEIGHT);
        return LookupEvaluation.ofBags(context, lookup, weight, mode == Mode.MEAN);
    }
}
