// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import org.jspecify.annotations.Nullable;

/** The part of a tensor {@code [V, N, *]} that belongs to a step. */
final class StepRegions {

    private StepRegions() {}

    /** A handle on the part where it is contiguous, null where it is not. */
    static @Nullable Tensor view(TensorScope scope, Tensor whole, Step step) {
        if (step.wholeBatch()) {
            return scope.rows(whole, step.block().fromColumn(), step.block().toColumn());
        }
        if (step.block().columns() != 1) {
            return null;
        }
        Shape rest = whole.shape().dropFirst(2);
        Tensor flat = scope.view(whole, rest.prepend(step.columns() * step.samples()));
        long first = step.block().fromColumn() * step.samples() + step.block().fromSample();
        Tensor rows = scope.rows(flat, first, first + step.block().samples());
        return scope.view(rows, rest.prepend(1, step.block().samples()));
    }

    static Region region(Tensor whole, Step step) {
        return Region.all(whole.shape())
                .with(0, step.block().fromColumn(), step.block().columns())
                .with(1, step.block().fromSample(), step.block().samples());
    }
}
