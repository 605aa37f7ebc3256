// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A backend's threads for loops in Java: the one that calls, and as many daemons beside it as make up the backend's
 * number of threads. Work is cut into parts, by its size and the number of threads alone, and whoever is free takes the
 * next one: results that parts keep apart, and that are put together in order, do not depend on who was. A thread
 * that does not come, since others want the processors, is not waited for. Daemons start with the first work, look out
 * for more some microseconds long, and sleep then.
 *
 * <p>Serves one caller at a time: others, and parts that call again, do all of their parts themselves. Parts work on
 * memory that is there: what belongs to the caller's thread, as accounts of memory and oneDNN's primitives, is not at
 * hand.
 */
public final class Team implements AutoCloseable {

    /** The work, in nanoseconds, of which there are several parts: one that slept comes as late as 50,000 or more. */
    private static final double WORTH = 100_000;

    /** The least work of a part. */
    private static final double PART = 10_000;

    /** How many parts a thread has: one that comes late leaves its own to the others. */
    private static final int PARTS_PER_THREAD = 4;

    /** How often to look for work, or for its end, before sleeping: some microseconds. */
    private static final int SPINS = 300;

    /** For work that is one thread's. */
    public static final Team ALONE = new Team(1);

    private static final Job NOTHING = new Job(0, part -> {}, null);
    private static final Job CLOSED = new Job(0, part -> {}, null);

    private final int threads;
    private final AtomicBoolean busy = new AtomicBoolean();
    /** Those that were started; belongs to who made the team busy. */
    private final List<Worker> workers = new ArrayList<>();

    private volatile Job current = NOTHING;

    /**
     * A team that starts its threads when it first needs them.
     *
     * @param threads how many work at a time, the caller included; at least 1
     */
    public Team(int threads) {
        this.threads = threads;
    }

    /** How many work at a time. */
    public int threads() {
        return threads;
    }

    /** Into how many parts to cut work of some nanoseconds, as one thread would take; 1 if that is not worth it. */
    public int parts(double nanoseconds) {
        if (threads == 1 || !(nanoseconds >= WORTH)) {
            return 1;
        }
        return (int) Math.min((long) PARTS_PER_THREAD * threads, (long) (nanoseconds / PART));
    }

    /** Work on the items of a part, {@code from} to {@code to} (exclusive). */
    @FunctionalInterface
    public interface Range {
        void run(long from, long to);
    }

    /** The same, with the part's number. */
    @FunctionalInterface
    public interface NumberedRange {
        void run(int part, long from, long to);
    }

    /** Does all items, a part at a time, and returns when all are done. Throws what the first of the parts throws. */
    public void run(int parts, long items, NumberedRange work) {
        run(parts, part -> work.run(part, start(items, parts, part), start(items, parts, part + 1)));
    }

    /**
     * Does items that cost so many nanoseconds each, in runs of a number of them.
     *
     * @param unit parts begin at multiples of it
     */
    public void forAll(long items, long unit, double nanoseconds, Range work) {
        long units = (items + unit - 1) / unit;
        int parts = (int) Math.min(parts(items * nanoseconds), Math.max(1, units));
        run(
                parts,
                part -> work.run(
                        start(units, parts, part) * unit, Math.min(items, start(units, parts, part + 1) * unit)));
    }

    /** The first item of a part. */
    private static long start(long items, int parts, int part) {
        return items / parts * part + Math.min(part, items % parts);
    }

    /** Does all parts, numbered from 0, and returns when all are done. Throws what the first of the parts throws. */
    public void run(int parts, IntConsumer work) {
        if (parts == 1 || threads == 1 || !busy.compareAndSet(false, true)) {
            for (int part = 0; part < parts; part++) {
                work.accept(part);
            }
            return;
        }
        Job job = new Job(parts, work, Thread.currentThread());
        try {
            start();
            current = job;
            for (Worker worker : workers) {
                worker.wake();
            }
            job.work();
            job.await();
        } finally {
            current = NOTHING;
            busy.set(false);
        }
        job.rethrow();
    }

    private void start() {
        for (int number = workers.size() + 1; number < threads; number++) {
            Worker worker = new Worker(number);
            worker.thread.start();
            workers.add(worker);
        }
    }

    /** Ends the threads, once nobody uses them. Later work is done by its callers alone. */
    @Override
    public void close() {
        while (!busy.compareAndSet(false, true)) {
            Thread.yield();
            if (current == CLOSED) {
                return;
            }
        }
        current = CLOSED;
        boolean interrupted = false;
        for (Worker worker : workers) {
            LockSupport.unpark(worker.thread);
            while (worker.thread.isAlive()) {
                try {
                    worker.thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A thread that takes parts. */
    private final class Worker implements Runnable {

        private final Thread thread;
        private volatile boolean asleep;

        Worker(int number) {
            thread = new Thread(this, "backpack4j-loops-" + number);
            thread.setDaemon(true);
            // Whoever is the first to work here is not kept.
            thread.setContextClassLoader(null);
        }

        void wake() {
            if (asleep) {
                LockSupport.unpark(thread);
            }
        }

        @Override
        public void run() {
            Job seen = NOTHING;
            int looks = 0;
            while (seen != CLOSED) {
                if (current != seen) {
                    seen = current;
                    seen.work();
                    looks = 0;
                } else if (looks < SPINS) {
                    looks++;
                    Thread.onSpinWait();
                } else {
                    asleep = true;
                    if (current == seen) {
                        LockSupport.park(this);
                    }
                    asleep = false;
                    // An interrupt is nobody's way to talk to this thread, and it could not sleep with it.
                    boolean ignored = Thread.interrupted();
                    looks = 0;
                }
            }
        }
    }

    /** Parts that somebody asked for. */
    private static final class Job {

        private final int parts;
        private final IntConsumer work;
        private final @Nullable Thread caller;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private volatile boolean awaited;
        private @Nullable Throwable failure;
        private int failed = Integer.MAX_VALUE;

        Job(int parts, IntConsumer work, @Nullable Thread caller) {
            this.parts = parts;
            this.work = work;
            this.caller = caller;
        }

        /** Takes parts until none is left. */
        void work() {
            if (next.get() >= parts) {
                return;
            }
            for (int part = next.getAndIncrement(); part < parts; part = next.getAndIncrement()) {
                try {
                    work.accept(part);
                } catch (RuntimeException | Error e) {
                    fail(part, e);
                }
                if (done.incrementAndGet() == parts && awaited) {
                    LockSupport.unpark(caller);
                }
            }
        }

        private synchronized void fail(int part, Throwable e) {
            if (part < failed) {
                failed = part;
                failure = e;
            }
        }

        void await() {
            for (int looks = 0; done.get() < parts; looks++) {
                if (looks < SPINS) {
                    Thread.onSpinWait();
                } else {
                    awaited = true;
                    if (done.get() < parts) {
                        LockSupport.park(this);
                    }
                }
            }
        }

        private synchronized void rethrow() {
            if (failure instanceof RuntimeException e) {
                throw e;
            }
            if (failure instanceof Error e) {
                throw e;
            }
        }
    }
}
