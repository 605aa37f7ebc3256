package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/**
 * ℓ_n = −Σ_q log p_{n,y,q}, p = softmax of the output {@code [N, C, *]} over its C classes, q running over the
 * positions {@code *} of a sample. Targets are class indices {@code [N, *]}. The mean is over samples and positions.
 *
 * @param reduction how terms are joined
 */
public record CrossEntropyLoss(LossReduction reduction) implements Loss {

    /** The mean. */
    public CrossEntropyLoss() {
        this(LossReduction.MEAN);
    }

    @Override
    public void validate(Shape output, Shape targets, DType targetType) {
        Targets.batched(this, output, 2, "[N, C] or [N, C, *]");
        Targets.shaped(this, output, targets, output.dropFirst(2).prepend(output.size(0)));
        Targets.typed(this, targetType == DType.INT64, "class indices (INT64)", targetType);
    }

    @Override
    public void validateValues(Shape output, Tensor targets) {
        Targets.classes(this, targets, output.size(1));
    }

    @Override
    public double normaliser(Shape output, Tensor targets) {
        return reduction.normaliser(targets.shape().elements());
    }

    @Override
    public double normaliserOfAll(double... ofBatches) {
        return reduction.normaliserOfAll(ofBatches);
    }

    @Override
    public List<Integer> positionAxes(Shape output) {
        return IntStream.range(1, output.rank() - 1).boxed().toList();
    }

    @Override
    public LossEvaluation evaluate(EvaluationContext context, Tensor output, Tensor targets, double normaliser) {
        return new CrossEntropyEvaluation(context, output, targets, normaliser);
    }
}
