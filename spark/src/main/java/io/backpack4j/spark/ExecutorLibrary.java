// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * What all tasks of a JVM share: one loaded library, the models that they use, with one copy of their numbers each, and
 * threads on which passes run. It stays loaded when tasks end; models that nobody uses stay until another one comes.
 * Once a plugin's jar was added, another library takes its place, and it closes when its last user is done.
 */
final class ExecutorLibrary {

    /** Libraries by what they were loaded with: more than one where loaders or numbers of threads differ. */
    private static final Map<Key, ExecutorLibrary> LOADED = new HashMap<>();

    private final Key key;
    private final ClassLoader loader;
    private final BackPack backpack;
    private final Map<String, Shared> models = new HashMap<>();
    private final Deque<PassThread> threads = new ArrayDeque<>();
    private int users;
    private boolean replaced;

    /** What a library was loaded with. */
    private record Key(PluginLoader plugins, int threads) {}

    /** A model and how many use it. */
    private static final class Shared {

        private final Model model;
        private int users;

        private Shared(Model model) {
            this.model = model;
        }
    }

    private ExecutorLibrary(Key key) {
        this.key = key;
        this.loader = key.plugins().loader();
        this.backpack =
                BackPack.builder().classLoader(loader).threads(key.threads()).build();
    }

    /**
     * Borrows the library of this JVM, a model and a thread of its own. Loads what is not there.
     *
     * @param threads how many threads a pass has
     */
    static synchronized Lease lease(SparkModel model, int threads) {
        Key wanted = new Key(PluginLoader.ofThisThread(), threads);
        ExecutorLibrary library = LOADED.get(wanted);
        if (library == null) {
            library = new ExecutorLibrary(wanted);
            LOADED.values().removeIf(other -> {
                boolean stale = wanted.plugins().isOtherStateOf(other.key.plugins());
                if (stale) {
                    other.replaced = true;
                    other.closeIfUnused();
                }
                return stale;
            });
            LOADED.put(wanted, library);
        }
        return library.borrow(model);
    }

    private Lease borrow(SparkModel model) {
        Shared shared = models.get(model.id());
        if (shared == null) {
            closeUnusedModels();
            shared = new Shared(model.on(backpack, loader));
            models.put(model.id(), shared);
        }
        PassThread thread = threads.isEmpty() ? new PassThread(loader) : threads.pop();
        shared.users++;
        users++;
        return new Lease(this, shared, thread);
    }

    private void closeUnusedModels() {
        models.values().removeIf(shared -> {
            if (shared.users == 0) {
                shared.model.close();
            }
            return shared.users == 0;
        });
    }

    private void giveBack(Shared shared, PassThread thread) {
        synchronized (ExecutorLibrary.class) {
            shared.users--;
            users--;
            threads.push(thread);
            if (replaced) {
                closeIfUnused();
            }
        }
    }

    private void closeIfUnused() {
        if (users == 0) {
            closeUnusedModels();
            threads.forEach(PassThread::close);
            backpack.close();
        }
    }

    /** What a task has borrowed. */
    static final class Lease implements AutoCloseable {

        private final ExecutorLibrary library;
        private final Shared shared;
        private final PassThread thread;
        private boolean closed;

        private Lease(ExecutorLibrary library, Shared shared, PassThread thread) {
            this.library = library;
            this.shared = shared;
            this.thread = thread;
        }

        BackPack backpack() {
            return library.backpack;
        }

        /** The model. Its numbers are everybody's, and stay as they are. */
        Model model() {
            return shared.model;
        }

        /** Where the classes of plugins are. */
        ClassLoader loader() {
            return library.loader;
        }

        /** The thread on which passes run. */
        PassThread thread() {
            return thread;
        }

        /** Gives all of it back. */
        @Override
        public void close() {
            if (!closed) {
                closed = true;
                library.giveBack(shared, thread);
            }
        }
    }
}
