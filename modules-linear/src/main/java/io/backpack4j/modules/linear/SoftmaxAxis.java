// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The axis of a softmax. */
final class SoftmaxAxis {

    private SoftmaxAxis() {}

    static ModuleDeclaration declare(Module module, @Nullable Long dim, List<Shape> inputs) {
        Shape sample = ModuleChecks.single(module, inputs);
        of(module, dim, sample);
        return ModuleDeclaration.output(sample).retainOutput();
    }

    static Optional<List<Integer>> positions(
            Module module, @Nullable Long dim, List<Integer> outputAxes, List<Shape> inputs) {
        boolean mixed = outputAxes.contains(of(module, dim, inputs.get(0)));
        return mixed ? Optional.empty() : Optional.of(outputAxes);
    }

    /** The axis of one sample. */
    static int of(Module module, @Nullable Long dim, Shape sample) {
        if (dim != null) {
            return Checks.sampleAxis(module, "dim", dim, sample);
        }
        // PyTorch takes axis 0, the batch, of one and of three axes
        if (sample.rank() == 0 || sample.rank() == 2) {
            throw ModuleChecks.mismatch(
                    module,
                    "needs its axis 'dim' for samples of shape %s: PyTorch's choice would be the batch."
                            .formatted(sample));
        }
        return 0;
    }
}
