// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.kernel.BackPack;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** What computes, and with how many threads: options of the root command that all commands inherit. */
public final class LibraryOptions {

    @Option(
            names = "--backend",
            paramLabel = "ID",
            scope = ScopeType.INHERIT,
            completionCandidates = Installed.Backends.class,
            description = "The backend, such as cpu. The best available one by default.")
    private @Nullable String backend;

    @Option(
            names = "--threads",
            paramLabel = "N",
            scope = ScopeType.INHERIT,
            converter = PositiveInteger.class,
            description = "Threads of the backend. All processors by default.")
    private @Nullable Integer threads;

    /** Loads the library. */
    public BackPack open() {
        BackPack.Builder builder = BackPack.builder();
        if (backend != null) {
            builder.backend(backend, "--backend");
        }
        if (threads != null) {
            builder.threads(threads);
        }
        return builder.build();
    }

    /** The number of threads that {@link #open} passes to the backend. */
    public int threads() {
        return threads != null
                ? threads
                : Integer.getInteger("backpack.threads", Runtime.getRuntime().availableProcessors());
    }
}
