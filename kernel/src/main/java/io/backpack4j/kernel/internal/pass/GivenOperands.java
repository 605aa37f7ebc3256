// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.RunOperands;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/** The operands that a pass was given, and those that come to it between two stages. Belongs to one pass. */
public final class GivenOperands {

    private RunOperands operands;

    /** Starts with what a run brings. */
    public GivenOperands(RunOperands operands) {
        this.operands = operands;
    }

    void add(RunOperands more) {
        operands = operands.with(more);
    }

    RunOperands all() {
        return operands;
    }

    /** Finds the operand of the parameter, or else of the network. */
    Tensor of(String name, String parameter) {
        Map<String, Tensor> own = operands.tensors().getOrDefault(name, Map.of());
        Tensor tensor = own.get(parameter);
        Tensor found = tensor == null ? own.get(Operand.NETWORK) : tensor;
        if (found == null) {
            throw new BackpackException(
                    CommonProblems.UNKNOWN_OPERAND,
                    "The run brought no operand '%s' of parameter '%s' or of the network: it was not declared, or comes after the first stage."
                            .formatted(name, parameter));
        }
        return found;
    }
}
