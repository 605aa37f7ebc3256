// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A thread on which passes run, of one task at a time. OpenMP keeps threads of its own for every thread that calls it,
 * and Spark's come and go.
 */
final class PassThread implements AutoCloseable {

    private static final AtomicInteger COUNT = new AtomicInteger();

    private final ExecutorService executor;

    /** @param loader where classes of plugins are */
    PassThread(ClassLoader loader) {
        this.executor = Executors.newSingleThreadExecutor(action -> {
            Thread thread = new Thread(action, "backpack-pass-" + COUNT.incrementAndGet());
            thread.setDaemon(true);
            thread.setContextClassLoader(loader);
            return thread;
        });
    }

    /**
     * Runs something on this thread and waits until it is done. Whoever is interrupted meanwhile waits, too, and is
     * interrupted afterwards: what runs uses memory of the caller.
     *
     * @throws RuntimeException that it throws
     */
    <R> R call(Callable<R> action) {
        Future<R> future = executor.submit(action);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw unwrapped(Objects.requireNonNull(e.getCause()));
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Runs something on this thread and waits until it is done; see {@link #call}. */
    void run(Runnable action) {
        call(Executors.callable(action));
    }

    private static RuntimeException unwrapped(Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
    }

    /** Ends the thread. */
    @Override
    public void close() {
        executor.shutdown();
    }
}
