// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.support;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds out which extensions work with which modules: plans a pass through a network of two nodes, a linear one that
 * gives modules without parameters something to differentiate, and the module itself.
 */
final class SupportMatrix {

    private static final int SAMPLES = 2;
    private static final String BEFORE = "before";

    private final BackPack backpack;

    SupportMatrix(BackPack backpack) {
        this.backpack = backpack;
    }

    /**
     * What prevents each extension from working with a module; empty where it works. Nothing at all for modules without
     * an example.
     */
    Optional<Map<String, Optional<Problem>>> row(String moduleType) {
        return SupportExamples.of(moduleType).map(example -> {
            Map<String, Optional<Problem>> row = new LinkedHashMap<>();
            try {
                plan(moduleType, example, row);
            } catch (BackpackException e) {
                backpack.catalog().extensionTypes().forEach(type -> row.put(type, first(e)));
            }
            return row;
        });
    }

    private void plan(String moduleType, SupportExamples.Example example, Map<String, Optional<Problem>> row) {
        Module module = backpack.catalog().module(moduleType, moduleType, example.arguments());
        boolean integers = module.takesIntegers(0);
        ModelDescription description = new ModelDescription(
                nodes(moduleType, example, integers),
                List.of(Graph.INPUT),
                Optional.empty(),
                new LossDescription("MSELoss", Map.of()));
        try (Model model = backpack.model(description, DType.FLOAT32, example.input());
                Batch batch = batch(
                        example.input().prepend(SAMPLES),
                        integers,
                        model.outputShape().prepend(SAMPLES))) {
            for (String type : backpack.catalog().extensionTypes()) {
                row.put(type, plan(model, batch, type));
            }
        }
    }

    private Optional<Problem> plan(Model model, Batch batch, String extensionType) {
        try {
            Request<?> request = backpack.catalog().request(extensionType, Map.of());
            backpack.plan(model, batch, List.of(request), PassOptions.DEFAULT);
            return Optional.empty();
        } catch (BackpackException e) {
            return first(e);
        }
    }

    private static List<NodeDescription> nodes(String moduleType, SupportExamples.Example example, boolean integers) {
        List<NodeDescription> nodes = new ArrayList<>();
        if (!integers) {
            long features = example.input().size(-1);
            nodes.add(new NodeDescription(
                    BEFORE, "Linear", Map.of("in_features", features, "out_features", features), List.of()));
        }
        List<String> inputs = Collections.nCopies(example.inputs(), integers ? Graph.INPUT : BEFORE);
        nodes.add(new NodeDescription("module", moduleType, example.arguments(), inputs));
        return nodes;
    }

    private Batch batch(Shape input, boolean integers, Shape output) {
        var builder = backpack.batch(DType.FLOAT32).targets(output, new double[(int) output.elements()]);
        int elements = (int) input.elements();
        return integers
                ? builder.input(Graph.INPUT, input, new long[elements]).build()
                : builder.input(Graph.INPUT, input, new double[elements]).build();
    }

    private static Optional<Problem> first(BackpackException e) {
        return Optional.of(e.problems().get(0));
    }
}
