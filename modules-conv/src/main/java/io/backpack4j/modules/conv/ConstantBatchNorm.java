// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/**
 * A batch norm that normalises with the mean and the variance of the batch, and is differentiated as if they were
 * constants: an affine map of every sample.
 *
 * @param module one that uses the batch's mean and variance
 */
record ConstantBatchNorm(BatchNorm module) implements Module {

    @Override
    public String type() {
        return module.type();
    }

    @Override
    public Module inMode(Mode mode) {
        return module.inMode(mode).withConstantStatistics();
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return module.declare(inputs, false).needWholeBatch();
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return module.evaluate(context, inputs, parameters, false);
    }
}
