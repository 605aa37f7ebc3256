// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.SessionOptions;
import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import org.apache.spark.broadcast.Broadcast;

/**
 * What every task of an evaluation knows.
 *
 * @param model the model, once per JVM
 * @param requests the requests of its sessions
 * @param options their options
 * @param threads how many threads a pass has
 */
record Work(Broadcast<SparkModel> model, Sendable requests, Sendable options, int threads) implements Serializable {

    Work(Broadcast<SparkModel> model, List<Request<?>> requests, SessionOptions options, int threads) {
        this(model, Sendable.of(requests), Sendable.of(options), threads);
    }

    /** Borrows what tasks of this JVM share. */
    ExecutorLibrary.Lease lease() {
        return ExecutorLibrary.lease(model.value(), threads);
    }

    /** The requests, put together again. */
    @SuppressWarnings("unchecked")
    List<Request<?>> requests(ClassLoader loader) {
        return (List<Request<?>>) Objects.requireNonNull(requests.value(loader));
    }

    /** The options, put together again. */
    SessionOptions options(ClassLoader loader) {
        return (SessionOptions) Objects.requireNonNull(options.value(loader));
    }
}
