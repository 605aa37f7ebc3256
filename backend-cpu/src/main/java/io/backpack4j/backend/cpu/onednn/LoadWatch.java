// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.OtherPrograms;
import io.backpack4j.backend.cpu.loops.WaitingThreads;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has OpenMP's threads wait shortly while other programs want the processors that a backend uses: a daemon looks four
 * times a second. With more threads than processors libgomp does so by itself, and a single thread waits for nobody.
 */
public final class LoadWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LoadWatch.class);
    private static final long NANOSECONDS = 250_000_000;

    private final int threads;
    private final Path folder;
    private boolean closed;

    /**
     * Begins to watch, if waits are to follow the load.
     *
     * @param threads how many threads the backend has
     */
    public LoadWatch(int threads) {
        this(threads, OtherPrograms.PROC);
    }

    /** Begins to watch what the files of a folder tell. */
    LoadWatch(int threads, Path folder) {
        this.threads = threads;
        this.folder = folder;
        if (threads > 1 && WaitingThreads.followsLoad()) {
            Thread thread = new Thread(this::watch, "backpack4j-load-watch");
            thread.setDaemon(true);
            // Whoever opens a backend is not kept.
            thread.setContextClassLoader(null);
            thread.start();
        }
    }

    private void watch() {
        SleepingTeam team = null;
        try (OtherPrograms others = new OtherPrograms(folder, System.nanoTime())) {
            int processors = others.available();
            Crowding crowding = new Crowding(threads, processors);
            while (threads <= processors && pause()) {
                boolean crowded = crowding.after(others.look(System.nanoTime()));
                if (crowded && team == null) {
                    // one thread more than there are processors, those of the backend counted
                    team = new SleepingTeam(processors - threads + 2);
                } else if (!crowded) {
                    close(team);
                    team = null;
                }
            }
        } catch (IOException e) {
            LOG.debug("The load of the processors is not told any more.", e);
        } finally {
            close(team);
        }
    }

    private static void close(@Nullable SleepingTeam team) {
        if (team != null) {
            team.close();
        }
    }

    /** Waits until the next look; false once closed. An interrupt is nobody's way to talk to this thread. */
    private synchronized boolean pause() {
        long end = System.nanoTime() + NANOSECONDS;
        for (long left = NANOSECONDS; !closed && left > 0; left = end - System.nanoTime()) {
            try {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            } catch (InterruptedException e) {
                LOG.trace("Interrupted.", e);
            }
        }
        return !closed;
    }

    /** Ends the watch, and the short waits, soon. */
    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
