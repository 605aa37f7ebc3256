// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.MemoryAccounts.Account;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Memory of the device that handles share. Guarded by its pool and {@link Device}. */
final class Block {

    /**
     * An operation that used the block.
     *
     * @param stream where
     * @param tick its number there
     * @param writes whether it wrote
     */
    record Use(CudaStream stream, long tick, boolean writes) {}

    final long address;
    final long bytes;

    /** Who used it since the last operation that wrote, that one first. */
    final List<Use> uses = new ArrayList<>(2);

    int references;

    /** Account in which it counts as used, if somebody counts. */
    @Nullable
    Account account;

    /** Time at which it became free, counted in freed blocks. */
    long freedAt;

    /**
     * Bytes that the host wrote last from the block's start on, while nothing else wrote: small inputs, such as
     * targets, are checked after they were uploaded, and need no way back.
     */
    byte @Nullable [] written;

    Block(long address, long bytes) {
        this.address = address;
        this.bytes = bytes;
    }
}
