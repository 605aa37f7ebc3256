// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The model file that a command reads. */
public final class ModelOption {

    @Option(names = "--model", paramLabel = "FILE", required = true, description = "The model, as JSON.")
    private Path file;

    public Path file() {
        return file;
    }
}
