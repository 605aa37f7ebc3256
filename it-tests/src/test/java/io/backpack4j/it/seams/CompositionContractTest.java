// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.module.ModuleCase;
import io.backpack4j.testkit.module.ModuleContract;
import java.util.List;

/**
 * Compositions keep the contract of modules: with every contraction of parameters in blocks of rows, and second
 * derivatives.
 */
class CompositionContractTest extends ModuleContract {

    @Override
    protected List<ModuleCase> modules() {
        var attention = new GatedAttention(2, 0.3, GatedAttention.Mode.TRAIN);
        return List.of(
                ModuleCase.of(attention, Shape.of(2)),
                ModuleCase.of(attention, Shape.of(2), Shape.of(2)),
                ModuleCase.of(attention, Shape.of(3, 2)),
                ModuleCase.of(new OverlappingRows(), Shape.of(2)));
    }
}
