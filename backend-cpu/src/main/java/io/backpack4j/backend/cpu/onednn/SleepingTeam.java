// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_relu;

import io.backpack4j.backend.cpu.memory.Block;
import io.backpack4j.backend.cpu.memory.MemoryPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Threads of OpenMP that do nothing but be there. libgomp lets threads wait in a loop for milliseconds as long as it
 * has no more threads than there are processors, and for some microseconds from then on; it looks at that number
 * whenever a thread begins to wait. So waits are short while a team sleeps, whichever thread of the process waits, and
 * long again when it is gone. A team belongs to the Java thread that used it, and ends with it.
 */
final class SleepingTeam implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SleepingTeam.class);

    /** Numbers for every thread: a vector each. */
    private static final long SHARE = 64;

    private final int threads;
    private final Thread thread;
    private boolean closed;

    /** @param threads how many threads the team has, the Java thread included */
    SleepingTeam(int threads) {
        this.threads = threads;
        thread = new Thread(this::sleep, "backpack4j-sleeping-team");
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
        thread.start();
    }

    private void sleep() {
        try {
            meet();
        } catch (RuntimeException | LinkageError e) {
            LOG.debug("No team could be made: threads wait as libgomp has them wait.", e);
        }
        awaitClose();
    }

    /** Has OpenMP make the team, by work that every thread has a part in. */
    private void meet() {
        MemoryPool pool = new MemoryPool(Long.MAX_VALUE);
        try (DnnlContext context = new DnnlContext(pool, threads)) {
            long count = SHARE * threads;
            Block block = pool.reserve(count * Float.BYTES);
            context.get(
                            context.key(DnnlKind.ELTWISE),
                            Double.MAX_VALUE,
                            () -> DnnlRecipes.eltwise(dnnl_eltwise_relu, 0, 0, count))
                    .at(0, block.address)
                    .at(1, block.address)
                    .run(context);
        } finally {
            pool.close();
        }
    }

    private synchronized void awaitClose() {
        while (!closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                // nobody's way to talk to this thread
            }
        }
    }

    /** Ends the team's threads soon. */
    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
