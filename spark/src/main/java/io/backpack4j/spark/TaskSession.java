// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.TaskContext;
import org.jspecify.annotations.Nullable;

/** A session of one task. It lives on a thread of its own: rows are read on Spark's thread, passes run there. */
final class TaskSession implements AutoCloseable {

    private final ExecutorLibrary.Lease lease;
    private final List<Request<?>> requests;
    private final SessionOptions options;
    private final Session session;

    /** Borrows what tasks of this JVM share, and opens a session. */
    TaskSession(Work work) {
        this.lease = work.lease();
        boolean done = false;
        try {
            this.requests = work.requests(lease.loader());
            this.options = work.options(lease.loader());
            this.session = lease.thread().call(this::open);
            done = true;
        } finally {
            if (!done) {
                lease.close();
            }
        }
    }

    private Session open() {
        return lease.backpack().session(lease.model(), requests, options);
    }

    /**
     * Reads the samples of the next batch.
     *
     * @param number of the first one, should it have no id
     * @return how many there are, 0 after the last
     */
    static <T> int read(Iterator<T> rows, SampleReader<T> reader, long number, BatchArrays batch) {
        TaskContext task = TaskContext.get();
        if (task != null) {
            task.killTaskIfInterrupted();
        }
        batch.clear();
        while (!batch.isFull() && rows.hasNext()) {
            reader.read(rows.next(), number + batch.count(), batch);
        }
        return batch.count();
    }

    /**
     * Adds a batch.
     *
     * @throws BackpackException naming the sample, if one of them alone is refused, too
     */
    void add(BatchArrays samples) {
        lease.thread().run(() -> addNamed(samples, null));
    }

    /** Adds a batch of a session that hands over what it has per sample; see {@link #add(BatchArrays)}. */
    void add(BatchArrays samples, Consumer<Results> taker) {
        lease.thread().run(() -> addNamed(samples, taker));
    }

    private void addNamed(BatchArrays samples, @Nullable Consumer<Results> taker) {
        try {
            add(session, samples, 0, samples.count(), taker);
        } catch (BackpackException e) {
            throw named(e, samples);
        }
    }

    private void add(Session to, BatchArrays samples, int from, int end, @Nullable Consumer<Results> taker) {
        try (var batch = samples.batch(lease.backpack(), from, end)) {
            if (taker == null) {
                to.add(batch);
            } else {
                to.add(batch, RunOperands.NONE, taker);
            }
        }
    }

    /** Looks for the sample that is refused, by halves. */
    private BackpackException named(BackpackException failure, BatchArrays samples) {
        int from = 0;
        int to = samples.count();
        @Nullable BackpackException last = null;
        while (to - from > 1) {
            int middle = (from + to) / 2;
            last = refusal(samples, from, middle);
            if (last != null) {
                to = middle;
                continue;
            }
            last = refusal(samples, middle, to);
            if (last == null) {
                return failure;
            }
            from = middle;
        }
        String name = samples.name(from);
        String shown = name == null ? "" : "'%s' ".formatted(name);
        long id = samples.id(from);
        return new BackpackException((last == null ? failure : last)
                .problems().stream()
                        .map(problem -> new Problem(
                                problem.id(), "Sample %s(id %d): %s".formatted(shown, id, problem.message())))
                        .toList());
    }

    private @Nullable BackpackException refusal(BatchArrays samples, int from, int to) {
        try (Session scratch = open()) {
            Consumer<Results> nobody = results -> {};
            add(scratch, samples, from, to, options.perSample() == PerSample.HAND_OVER ? nobody : null);
            return null;
        } catch (BackpackException e) {
            return e;
        }
    }

    /** Adds what another session had accumulated. Read on the caller's thread, for Spark's streams belong to that. */
    void merge(InputStream stream) {
        try {
            SessionState state = SessionFile.readFrom(stream);
            lease.thread().run(() -> session.merge(state));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** State of what was added. */
    List<byte[]> state() {
        return lease.thread().call(() -> {
            StateChunks chunks = new StateChunks();
            SessionFile.writeTo(session.state(), chunks);
            return chunks.all();
        });
    }

    @Override
    public void close() {
        try {
            lease.thread().run(session::close);
        } finally {
            lease.close();
        }
    }
}
