// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Map;

/** Makes operands of what a pass's first stage found, for the stages behind it. */
@FunctionalInterface
@Experimental
public interface OperandSupplier {

    /**
     * Called once, in the thread of the run, between the first stage and the second.
     *
     * @param gradients the gradients of the whole batch by parameter, {@code *p}: read them
     * @param scope closes when the run has ended: operands may be allocated there
     * @return operands that were declared in a later stage and that the run did not bring
     */
    RunOperands supply(Map<String, Tensor> gradients, TensorScope scope);
}
