// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.formats.ModelSource;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The loss of models whose files have none. */
public final class LossOption {

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--loss",
            paramLabel = "LOSS",
            description =
                    "The loss, such as 'CrossEntropyLoss(reduction=mean)', for a model whose file has none, as ONNX, or instead of the file's.")
    private @Nullable String loss;

    /** Opens a model for what needs no loss; what is to be known about how it was read goes to standard error. */
    public ModelSource open(Catalog catalog, Path file) {
        ModelSource source = ModelSource.open(catalog, file, value());
        print(source.notices());
        return source;
    }

    /** The loss, if there is one. */
    public Optional<LossDescription> value() {
        return Optional.ofNullable(loss).map(ModelSource::loss);
    }

    /** A model with the loss that was named instead of its own, if one was. */
    public ModelDescription applied(ModelDescription description) {
        return value().map(other ->
                        new ModelDescription(description.nodes(), description.inputs(), description.output(), other))
                .orElse(description);
    }

    /** Prints what is to be known about how a model was read to standard error. */
    public void print(List<String> notices) {
        PrintWriter err = spec.commandLine().getErr();
        notices.forEach(notice -> err.println("note: " + notice));
        err.flush();
    }

    /** Opens a model for what needs a loss. */
    public ModelSource openWithLoss(Catalog catalog, Path file) {
        if (loss == null && ModelSource.format(catalog, file).isPresent()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "File '%s' has no loss. Name one, such as --loss 'CrossEntropyLoss(reduction=mean)'."
                            .formatted(file));
        }
        return open(catalog, file);
    }
}
