package io.backpack4j.backend.cpu;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** An {@link Address} of floats. */
final class FloatAddress extends FloatPointer {

    FloatAddress() {
        super((Pointer) null);
    }

    FloatAddress at(long newAddress) {
        address = newAddress;
        return this;
    }
}
