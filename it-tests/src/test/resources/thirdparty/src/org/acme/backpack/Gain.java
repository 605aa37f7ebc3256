package org.acme.backpack;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** y = gain ⊙ x, with a trained gain for every element of a sample. */
public record Gain(double initial) implements Module {

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        if (inputs.size() != 1) {
            throw new BackpackException(CommonProblems.SHAPE_MISMATCH, "Gain takes one input, but has " + inputs.size() + ".");
        }
        Shape shape = inputs.get(0);
        return ModuleDeclaration.output(shape)
                .parameter(ParameterSpec.parameter("gain", shape, new Initializer.Constant(initial)))
                .retainInputs();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        Tensor x = inputs.get(0);
        Tensor gain = parameters.get("gain");
        return new GainEvaluation(x, gain, product(context, x, gain));
    }

    /** The element-wise product; the shape of {@code b} may lack axes at the front. */
    static Tensor product(EvaluationContext context, Tensor a, Tensor b) {
        Tensor result = context.scope().allocate(a.shape(), a.dtype());
        context.backend().elementwise().combine(BinaryOperation.MULTIPLY, a, b, result);
        return result;
    }
}
