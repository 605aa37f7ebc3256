// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The model file that a command reads, and a loss where the file has none. */
public final class ModelOption {

    @Option(
            names = "--model",
            paramLabel = "FILE",
            required = true,
            description = "The model, as JSON, or in a format that a plugin reads, such as ONNX.")
    private Path file;

    @Mixin
    private final LossOption loss = new LossOption();

    public Path file() {
        return file;
    }

    public LossOption loss() {
        return loss;
    }
}
