// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import org.bytedeco.javacpp.Pointer;

/** A native address that can be moved: one object serves any number of calls. Owns nothing. */
public final class Address extends Pointer {

    public Address() {
        super((Pointer) null);
    }

    public Address at(long newAddress) {
        address = newAddress;
        return this;
    }

    /** Covers {@code bytes} bytes, for a buffer made of this address. */
    public Address range(long newAddress, long bytes) {
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
