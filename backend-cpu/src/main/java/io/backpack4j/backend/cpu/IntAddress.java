package io.backpack4j.backend.cpu;

import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/** An {@link Address} of whole numbers. */
final class IntAddress extends IntPointer {

    IntAddress() {
        super((Pointer) null);
    }

    IntAddress at(long newAddress) {
        address = newAddress;
        return this;
    }
}
