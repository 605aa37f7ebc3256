// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * y = x for x &gt; 0, weight · x elsewhere, with one weight for all or one per channel, which is the first axis of a
 * sample.
 *
 * @param numParameters 1, or the number of channels
 * @param init what weights are at first
 */
public record PReLU(long numParameters, double init) implements Module {

    /** The name of the parameter. */
    static final String WEIGHT = "weight";

    public PReLU {
        ModuleChecks.positive(type(), "num_parameters", numParameters);
        ModuleChecks.finite(type(), "init", init);
    }

    /** With one weight, 0.25 at first. */
    public PReLU() {
        this(1, 0.25);
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        Shape sample = ModuleChecks.single(this, inputs);
        if (numParameters != 1 && (sample.rank() == 0 || sample.size(0) != numParameters)) {
            throw ModuleChecks.mismatch(
                    this,
                    "has num_parameters = %d weights, but samples of shape %s have %s."
                            .formatted(
                                    numParameters,
                                    sample,
                                    sample.rank() == 0 ? "no channels" : sample.size(0) + " channels"));
        }
        return ModuleDeclaration.output(sample)
                .retainInputs()
                .parameter(ParameterSpec.parameter(WEIGHT, Shape.of(numParameters), new Initializer.Constant(init)));
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return PReLUEvaluation.of(context, inputs.get(0), ModuleChecks.parameter(parameters, WEIGHT));
    }
}
