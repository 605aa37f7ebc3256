// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import java.util.List;

/** Samples of a long short-term memory that go through all steps for themselves. */
interface LstmPart {

    /** What it runs, one after the other. */
    List<DnnlPrimitive> primitives();

    /** Whether oneDNN has a fast implementation of all of it. */
    default boolean usable() {
        return primitives().stream().allMatch(DnnlPrimitive::usable);
    }

    /** The bytes that primitives work in. */
    default long scratchpadBytes() {
        return primitives().stream()
                .mapToLong(DnnlPrimitive::scratchpadBytes)
                .max()
                .orElse(0);
    }

    /** Has primitives work there. */
    default void placeScratchpad(long address) {
        primitives().forEach(primitive -> primitive.placeScratchpad(address));
    }
}
