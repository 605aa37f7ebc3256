// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.Convolutions;
import io.backpack4j.spi.backend.Decompositions;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.backend.Indexing;
import io.backpack4j.spi.backend.Pooling;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.backend.Recurrences;
import io.backpack4j.spi.backend.Reductions;
import io.backpack4j.spi.tensor.DType;
import java.util.function.Supplier;

/** The operations of a backend, made with one selection of libraries. Every set handles every type. */
public interface KernelSet extends AutoCloseable {

    Elementwise elementwise();

    Reductions reductions();

    Products products();

    Indexing indexing();

    Contractions contractions();

    Convolutions convolutions();

    Decompositions decompositions();

    Pooling pooling();

    Recurrences recurrences();

    /** Makes a block row-major that this set arranged in another way. */
    void makeRowMajor(Block block);

    /** Whether it can multiply numbers of a type in a precision. */
    default boolean supports(Precision precision, DType dtype) {
        return precision == Precision.FULL;
    }

    /** Does work of the calling thread in a precision. */
    default <T> T in(Precision precision, Supplier<T> work) {
        return work.get();
    }

    /** Frees what the set keeps outside the pool. */
    @Override
    void close();
}
