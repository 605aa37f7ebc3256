// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;

/** An {@link Address} of doubles. */
public final class DoubleAddress extends DoublePointer {

    public DoubleAddress() {
        super((Pointer) null);
    }

    public DoubleAddress at(long newAddress) {
        address = newAddress;
        return this;
    }
}
