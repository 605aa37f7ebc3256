// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.kernel.ModeOptions;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.NamePatterns;
import io.backpack4j.spi.RecordArguments;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.training.OptimizerSetup;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Batch norms, whose output for one sample depends on all others. */
public final class BatchNorms {

    private static final String TYPE = "BatchNorm";
    private static final long GROUPS = 32;

    private BatchNorms() {}

    /**
     * A model with {@code GroupNorm} in the place of every batch norm: of 32 groups, or as many as divide both 32 and
     * the channels. Its parameters keep their names and shapes; running means and variances are gone.
     */
    public static ModelDescription replaced(ModelDescription model) {
        List<NodeDescription> nodes = new ArrayList<>();
        for (NodeDescription node : model.nodes()) {
            nodes.add(node.type().startsWith(TYPE) ? replaced(node) : node);
        }
        return new ModelDescription(nodes, model.inputs(), model.output(), model.loss());
    }

    private static NodeDescription replaced(NodeDescription node) {
        if (!(node.arguments().get("num_features") instanceof Number channels)) {
            throw new BackpackException(
                    PrivacyProblems.MIXED_SAMPLES,
                    "Node '%s' (%s) does not say its 'num_features', so it cannot be replaced by GroupNorm."
                            .formatted(node.name(), node.type()));
        }
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments.put(
                "num_groups",
                BigInteger.valueOf(channels.longValue())
                        .gcd(BigInteger.valueOf(GROUPS))
                        .longValue());
        arguments.put("num_channels", channels.longValue());
        for (String kept : List.of("eps", "affine")) {
            if (node.arguments().containsKey(kept)) {
                arguments.put(kept, node.arguments().get(kept));
            }
        }
        return new NodeDescription(node.name(), "GroupNorm", arguments, node.inputs(), node.frozen(), node.ties());
    }

    /** Fails if there are some in train mode, naming all. */
    static void requireNone(OptimizerSetup setup) {
        List<String> found = new ArrayList<>();
        setup.model().graph().nodes().forEach(node -> {
            if (node.module().type().startsWith(TYPE)
                    && mode(setup.pass().modes(), node.name(), node.module()) == Mode.TRAIN) {
                found.add("'%s' (%s)".formatted(node.name(), node.module().type()));
            }
        });
        if (!found.isEmpty()) {
            throw new BackpackException(
                    PrivacyProblems.MIXED_SAMPLES,
                    "Private training needs samples that do not influence each other, but %s in train mode mix them. Replace them by GroupNorm, as BatchNorms.replaced does, or take them in eval mode."
                            .formatted(String.join(", ", found)));
        }
    }

    private static Mode mode(ModeOptions modes, String node, Module module) {
        Optional<Mode> mode = modes.mode();
        for (ModeOptions.OfNodes own : modes.nodes()) {
            if (NamePatterns.matches(own.pattern(), node)) {
                mode = Optional.of(own.mode());
            }
        }
        return mode.orElseGet(() -> isEval(module) ? Mode.EVAL : Mode.TRAIN);
    }

    private static boolean isEval(Module module) {
        return module.getClass().isRecord()
                && "eval".equals(RecordArguments.of(module, module.type()).get("mode"));
    }
}
