// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** An {@link Address} of floats. */
public final class FloatAddress extends FloatPointer {

    public FloatAddress() {
        super((Pointer) null);
    }

    public FloatAddress at(long newAddress) {
        address = newAddress;
        return this;
    }
}
