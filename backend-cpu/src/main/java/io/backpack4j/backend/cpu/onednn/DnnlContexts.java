// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.MemoryPool;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;

/**
 * One context per thread that uses the backend. Contexts of threads that ended are closed when the next one is made.
 */
final class DnnlContexts implements AutoCloseable {

    private final MemoryPool pool;
    private final int threads;
    private final ThreadLocal<DnnlContext> ofThread = ThreadLocal.withInitial(this::create);
    private final List<Owned> all = new ArrayList<>();

    DnnlContexts(MemoryPool pool, int threads) {
        this.pool = pool;
        this.threads = threads;
    }

    DnnlContext get() {
        return ofThread.get();
    }

    private synchronized DnnlContext create() {
        all.removeIf(owned -> {
            Thread owner = owned.thread.get();
            if (owner != null && owner.isAlive()) {
                return false;
            }
            owned.context.close();
            return true;
        });
        var context = new DnnlContext(pool, threads);
        all.add(new Owned(new WeakReference<>(Thread.currentThread()), context));
        return context;
    }

    @Override
    public synchronized void close() {
        all.forEach(owned -> owned.context.close());
        all.clear();
    }

    private record Owned(WeakReference<Thread> thread, DnnlContext context) {}
}
