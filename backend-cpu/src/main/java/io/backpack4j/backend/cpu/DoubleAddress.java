package io.backpack4j.backend.cpu;

import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;

/** An {@link Address} of doubles. */
final class DoubleAddress extends DoublePointer {

    DoubleAddress() {
        super((Pointer) null);
    }

    DoubleAddress at(long newAddress) {
        address = newAddress;
        return this;
    }
}
