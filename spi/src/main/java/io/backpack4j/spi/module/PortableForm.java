// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.TileConsumer;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** How a contraction is computed of derivatives that have no direct form of it. */
sealed interface PortableForm {

    /**
     * From per-sample gradients that are made anyway: by a consumer of tiles, which sees a scope that outlives them.
     */
    record OfTiles(BiFunction<TensorScope, ContractionTask, TileConsumer> consumer) implements PortableForm {}

    /** By a loop of its own. */
    record OfLoop(Consumer<ContractionTask> loop) implements PortableForm {}

    /**
     * From the results of other contractions of the same derivatives.
     *
     * @param others the other contractions
     * @param step makes the result; the others' tensors, in their order, are only read
     */
    record OfOthers(List<Contraction> others, BiConsumer<ContractionTask, List<Tensor>> step) implements PortableForm {

        /** From that of one. */
        OfOthers(Contraction other, BiConsumer<ContractionTask, List<Tensor>> step) {
            this(List.of(other), step);
        }
    }

    /** Not at all. */
    record None() implements PortableForm {}
}
