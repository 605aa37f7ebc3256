package io.backpack4j.backend.cpu;

import org.bytedeco.javacpp.Pointer;

/** A native address that can be moved: one object serves any number of calls. Owns nothing. */
final class Address extends Pointer {

    Address() {
        super((Pointer) null);
    }

    Address at(long newAddress) {
        address = newAddress;
        return this;
    }

    /** Covers {@code bytes} bytes, for a buffer made of this address. */
    Address range(long newAddress, long bytes) {
        address = newAddress;
        capacity = bytes;
        limit = bytes;
        return this;
    }

    @Override
    public int sizeof() {
        return 1;
    }
}
