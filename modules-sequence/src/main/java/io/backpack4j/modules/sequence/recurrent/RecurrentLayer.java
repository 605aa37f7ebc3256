// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.modules.sequence.BatchFirst;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A recurrent layer: what its type does at a step lies in its {@link Recurrence}. */
interface RecurrentLayer extends Module {

    /** The arguments. */
    RecurrentOptions options();

    Recurrence recurrence();

    @Override
    default Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = RecordArguments.of(options(), type());
        arguments.put(BatchFirst.NAME, true);
        return arguments;
    }

    @Override
    default boolean takesIntegers(int input, int inputs) {
        return recurrence().takesIntegers(input, inputs);
    }

    @Override
    default boolean isRecurrent() {
        return true;
    }

    @Override
    default ModuleDeclaration declare(List<Shape> inputs) {
        return recurrence().declare(this, inputs);
    }

    @Override
    default Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
        return RecurrentEvaluation.of(context, recurrence(), inputs, parameters);
    }
}
