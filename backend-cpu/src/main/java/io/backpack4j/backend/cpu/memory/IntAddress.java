// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/** An {@link Address} of whole numbers. */
public final class IntAddress extends IntPointer {

    IntAddress() {
        super((Pointer) null);
    }

    public IntAddress at(long newAddress) {
        address = newAddress;
        return this;
    }
}
