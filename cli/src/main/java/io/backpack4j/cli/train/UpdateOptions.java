// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.training.ParameterGroup;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.files.TrainingExpressions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What happens to gradients and parameters beside the optimiser, and when a run ends early. */
final class UpdateOptions {

    @Option(
            names = "--group",
            paramLabel = "GROUP",
            description =
                    "Train some parameters in another way, such as 'parameters=[*.bias],lr=1e-3,weight_decay=0' or"
                            + " 'parameters=[0.*],frozen=true'. May be repeated; the first that names a parameter counts.")
    private List<String> groups = List.of();

    @Option(
            names = "--clip-norm",
            paramLabel = "NORM",
            description = "Scale all gradients together so that their norm is at most this.")
    private @Nullable Double norm;

    @Option(
            names = "--clip-value",
            paramLabel = "VALUE",
            description = "Limit each element of gradients to this magnitude, before --clip-norm.")
    private @Nullable Double value;

    @Option(
            names = "--averaging",
            paramLabel = "DECAY",
            description =
                    "Keep exponential moving averages of the weights, such as 0.99: validation and the trained model"
                            + " have them.")
    private @Nullable Double averaging;

    @Option(
            names = "--early-stopping",
            paramLabel = "PATIENCE",
            converter = PositiveInteger.class,
            description = "End when what --monitor names did not become better for so many epochs.")
    private @Nullable Integer patience;

    @Option(
            names = "--monitor",
            paramLabel = "VALUE",
            description =
                    "Which value of an epoch says how good the network is, such as valid_accuracy: for --early-stopping,"
                            + " the best checkpoint and ReduceLROnPlateau. valid_loss by default, train_loss if nothing is held out.")
    private @Nullable String monitored;

    @Option(
            names = "--evidence-stopping",
            paramLabel = "PATIENCE",
            converter = PositiveInteger.class,
            description =
                    "End when gradients were no more than noise on average over each of so many epochs in a row; needs no"
                            + " held-out data (Mahsereci et al., 2017).")
    private @Nullable Integer evidencePatience;

    /**
     * Says it all to a trainer.
     *
     * @throws io.backpack4j.spi.BackpackException if an option has no such value
     */
    void apply(Trainer.Builder builder) {
        groups().forEach(builder::group);
        if (norm != null) {
            builder.clipNorm(norm);
        }
        if (value != null) {
            builder.clipValue(value);
        }
        if (averaging != null) {
            builder.averaging(averaging);
        }
        if (patience != null) {
            builder.earlyStopping(patience);
        }
        if (monitored != null) {
            builder.monitor(monitored);
        }
        if (evidencePatience != null) {
            builder.evidenceStopping(evidencePatience);
        }
    }

    private List<ParameterGroup> groups() {
        return groups.stream().map(TrainingExpressions::group).toList();
    }
}
