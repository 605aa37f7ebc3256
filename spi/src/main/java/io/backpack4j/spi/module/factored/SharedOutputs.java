// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The output side of Kronecker factors of several parameters with the same left factors, as those of an input and a
 * state that are added have: made when the first asks. Belongs to one pullback.
 */
public final class SharedOutputs {

    private final Backend backend;
    private final TensorScope scope;
    private final Map<Boolean, Tensor> made = new HashMap<>();

    /** @param scope lives as long as the parameters' derivatives */
    public SharedOutputs(Backend backend, TensorScope scope) {
        this.backend = backend;
        this.scope = scope;
    }

    /**
     * Writes the output side, or adds it.
     *
     * @param summed whether positions are summed first
     * @param maker writes it to a tensor
     */
    void write(boolean summed, boolean accumulate, Tensor destination, Consumer<Tensor> maker) {
        Tensor known = made.get(summed);
        if (known == null) {
            known = scope.allocate(destination.shape(), destination.dtype());
            maker.accept(known);
            made.put(summed, known);
        }
        if (accumulate) {
            backend.elementwise().addScaled(1, known, destination);
        } else {
            backend.elementwise().copy(known, destination);
        }
    }
}
