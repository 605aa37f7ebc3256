// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.BackpackException;
import java.util.Optional;

/** Where checkpoints are kept. */
public interface Checkpoints {

    /** A new run begins: drops what is there of another. */
    void begin();

    /** Keeps a checkpoint, as a whole or not at all, and drops those that are too old. */
    void save(Checkpoint checkpoint);

    /** Keeps a checkpoint as the best so far, beside the others. */
    void saveBest(Checkpoint checkpoint);

    /**
     * The last one.
     *
     * @return the caller closes it; empty if there is none
     * @throws BackpackException if it cannot be read, naming it
     */
    Optional<Checkpoint> last();
}
