// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterlessEvaluation;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** y = x. The output shares the input's memory. */
public record Identity() implements Module {

    @Override
    public boolean isView() {
        return true;
    }

    @Override
    public ModuleDeclaration declare(List<Shape> inputs) {
        return ModuleDeclaration.output(ModuleChecks.single(this, inputs)).shareJacobian();
    }

    @Override
    public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
        return Optional.of(outputAxes);
    }

    @Override
    public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return of(context, inputs.get(0));
    }

    private static Tensor same(EvaluationContext context, Tensor columns) {
        return context.scope().view(columns, columns.shape());
    }

    /** The evaluation of any module that does nothing to {@code input}. */
    static Evaluation of(EvaluationContext context, Tensor input) {
        Tensor output = context.scope().view(input, input.shape());
        return ParameterlessEvaluation.ofOneInput(output, Identity::same, Identity::same);
    }
}
