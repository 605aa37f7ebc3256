// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

/**
 * A run between two steps: everything that the rest of it depends on. Going on from it gives the bits that not having
 * stopped would have given, on the same backend with the same threads.
 *
 * @param step how many steps were taken
 * @param epoch the epoch of the next batch, from 1 on
 * @param batch how many batches of that epoch were consumed; what was only read ahead does not count
 * @param state parameters and buffers below {@code model/}, then {@code optimizer/}, {@code schedule/}, {@code
 *     listener/<name>/} and what the trainer itself needs
 * @param source closes what the state is read from
 */
public record Checkpoint(long step, long epoch, long batch, State state, AutoCloseable source)
        implements AutoCloseable {

    /** A checkpoint of what lives in memory. */
    public Checkpoint(long step, long epoch, long batch, State state) {
        this(step, epoch, batch, state, () -> {});
    }

    @Override
    public void close() {
        try {
            source.close();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
