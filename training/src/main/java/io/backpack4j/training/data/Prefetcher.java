// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.data;

import io.backpack4j.spi.BackpackException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Reads batches one after the other in a thread of its own, a few ahead of who takes them. */
public final class Prefetcher implements AutoCloseable {

    private static final int AHEAD = 2;

    private final BlockingQueue<CompletableFuture<BatchData>> queue = new ArrayBlockingQueue<>(AHEAD);
    private final Thread thread;

    /**
     * Starts to read.
     *
     * @param epoch the epoch of the first batch
     * @param number of the first batch within that epoch
     * @param epochs the last epoch
     */
    public Prefetcher(Batches batches, long epoch, long number, long epochs) {
        thread = new Thread(() -> readAll(batches, epoch, number, epochs), "backpack4j-data");
        thread.setDaemon(true);
        thread.start();
    }

    private void readAll(Batches batches, long firstEpoch, long firstNumber, long epochs) {
        try {
            long number = firstNumber;
            for (long epoch = firstEpoch; epoch <= epochs; epoch++) {
                for (; number < batches.perEpoch(); number++) {
                    if (!offer(batches, epoch, number)) {
                        return;
                    }
                }
                number = 0;
            }
        } catch (InterruptedException e) {
            // Closed: nobody takes anything any more.
            Thread.currentThread().interrupt();
        }
    }

    /** Whether reading goes on. */
    private boolean offer(Batches batches, long epoch, long number) throws InterruptedException {
        CompletableFuture<BatchData> read = new CompletableFuture<>();
        try {
            read.complete(batches.read(epoch, number));
        } catch (RuntimeException | Error e) {
            read.completeExceptionally(e);
        }
        queue.put(read);
        return !read.isCompletedExceptionally();
    }

    /**
     * The next batch; waits for it.
     *
     * @throws BackpackException if it could not be read
     */
    public BatchData next() {
        try {
            return queue.take().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            if (e.getCause() instanceof Error failure) {
                throw failure;
            }
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while waiting for data");
        }
    }

    /** Stops reading, and waits until it has stopped. */
    @Override
    public void close() {
        thread.interrupt();
        boolean interrupted = false;
        while (thread.isAlive()) {
            queue.clear();
            try {
                thread.join(1000);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
