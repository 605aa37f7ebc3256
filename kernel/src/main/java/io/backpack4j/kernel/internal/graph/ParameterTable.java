// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** The parameters of a network that is being bound. */
final class ParameterTable {

    private final Problems problems;
    private final Map<String, ParameterSpec> specs = new LinkedHashMap<>();
    private final Set<String> frozen = new HashSet<>();

    /** @param problems gets what does not fit */
    ParameterTable(Problems problems) {
        this.problems = problems;
    }

    /** The parameters of a node of the graph. */
    OfNode of(Graph.Node node) {
        return new OfNode(node);
    }

    /** Parameters under a node's name, unless they are tied to others. */
    final class OfNode implements ParameterOwners {

        private final Graph.Node node;
        private final Set<String> own = new LinkedHashSet<>();

        private OfNode(Graph.Node node) {
            this.node = node;
        }

        @Override
        public BoundNode.Owner owner(ParameterSpec spec) {
            own.add(spec.name());
            String tie = node.ties().get(spec.name());
            String owner = tie == null ? node.name() + "." + spec.name() : resolve(spec, tie);
            if (tie == null && specs.putIfAbsent(owner, spec) != null) {
                problems.add(
                        KernelProblems.DUPLICATE_PARAMETER,
                        "Node '%s' (%s) has a parameter '%s', and '%s' is the full name of another one. Rename a node."
                                .formatted(node.name(), node.module().type(), spec.name(), owner));
            }
            if (node.frozen().contains(spec.name())) {
                frozen.add(owner);
            }
            return new BoundNode.Owner(owner, Optional.empty());
        }

        private String resolve(ParameterSpec spec, String owner) {
            ParameterSpec original = specs.get(owner);
            if (original == null) {
                problems.add(
                        CommonProblems.UNKNOWN_PARAMETER,
                        "Node '%s' ties '%s' to '%s', which is not a parameter of a node before it. Possible: %s."
                                .formatted(node.name(), spec.name(), owner, String.join(", ", specs.keySet())));
            } else if (!original.shape().equals(spec.shape())) {
                problems.add(
                        CommonProblems.SHAPE_MISMATCH,
                        "Node '%s' ties '%s' of shape %s to '%s' of shape %s. Tied parameters have one shape."
                                .formatted(node.name(), spec.name(), spec.shape(), owner, original.shape()));
            }
            return owner;
        }

        /** Reports what the node says about parameters that its module does not have. */
        void reportUnknown() {
            reportUnknown("tie", node.ties().keySet());
            reportUnknown("requires_grad", node.frozen().names());
        }

        private void reportUnknown(String key, Set<String> names) {
            for (String name : names) {
                if (!own.contains(name)) {
                    problems.add(
                            CommonProblems.UNKNOWN_PARAMETER,
                            "Node '%s' (%s) has no parameter '%s', which its '%s' names. Its parameters: %s."
                                    .formatted(
                                            node.name(),
                                            node.module().type(),
                                            name,
                                            key,
                                            own.isEmpty() ? "none" : String.join(", ", own)));
                }
            }
        }
    }

    /**
     * Trained parameters with all their uses. Tied ones are one, as in PyTorch: frozen anywhere, it is frozen
     * everywhere.
     */
    Map<String, List<BoundGraph.Use>> uses(List<BoundNode> nodes) {
        Map<String, List<BoundGraph.Use>> uses = new LinkedHashMap<>();
        for (String parameter : specs.keySet()) {
            uses.put(parameter, new ArrayList<>());
        }
        for (BoundNode node : nodes) {
            for (ParameterSpec spec : node.declaration().parameters()) {
                BoundNode.Owner owner = Objects.requireNonNull(node.owners().get(spec.name()));
                if (spec.trainable() && !frozen.contains(owner.parameter())) {
                    Objects.requireNonNull(uses.get(owner.parameter()))
                            .add(new BoundGraph.Use(node.index(), spec.name(), owner.rows()));
                }
            }
        }
        uses.values().removeIf(List::isEmpty);
        return uses;
    }

    /** Specifications of all parameters and buffers. */
    Map<String, ParameterSpec> specifications(List<BoundNode> nodes) {
        Map<String, Map<RowBlock, Optional<KroneckerSizes>>> blocks = new LinkedHashMap<>();
        Map<String, OptionalLong> lookups = new LinkedHashMap<>();
        for (BoundNode node : nodes) {
            for (ParameterSpec spec : node.declaration().parameters()) {
                BoundNode.Owner owner = Objects.requireNonNull(node.owners().get(spec.name()));
                Shape shape =
                        Objects.requireNonNull(specs.get(owner.parameter())).shape();
                // What has no axes is used as a whole.
                RowBlock rows = owner.rows().orElseGet(() -> all(shape));
                blocks.computeIfAbsent(owner.parameter(), key -> new LinkedHashMap<>())
                        .putIfAbsent(rows, spec.kronecker());
                OptionalLong own = rows.equals(all(shape)) ? spec.lookups() : OptionalLong.empty();
                lookups.merge(owner.parameter(), own, ParameterTable::both);
            }
        }
        Map<String, ParameterSpec> result = new LinkedHashMap<>();
        specs.forEach((name, spec) -> {
            Optional<KroneckerSizes> kronecker = kronecker(spec.shape(), blocks.getOrDefault(name, Map.of()));
            result.put(
                    name,
                    new ParameterSpec(
                            spec.name(),
                            spec.shape(),
                            spec.trainable(),
                            spec.initializer(),
                            spec.isInteger(),
                            kronecker,
                            fewerThanAll(spec.shape(), lookups.getOrDefault(name, OptionalLong.empty()))));
        });
        return result;
    }

    private static RowBlock all(Shape shape) {
        return new RowBlock(0, shape.rank() == 0 ? 1 : Math.max(1, shape.size(0)));
    }

    /** The rows that two uses look up; all, if one of them does not look rows up. */
    private static OptionalLong both(OptionalLong first, OptionalLong second) {
        return first.isPresent() && second.isPresent()
                ? OptionalLong.of(Math.addExact(first.getAsLong(), second.getAsLong()))
                : OptionalLong.empty();
    }

    private static OptionalLong fewerThanAll(Shape shape, OptionalLong lookups) {
        return lookups.isPresent() && lookups.getAsLong() < shape.size(0) ? lookups : OptionalLong.empty();
    }

    /**
     * Sizes of Kronecker factors that follow from the uses: blocks of equal sizes that cover the parameter are groups;
     * others have none in common, so that the parameter's only factor is its exact block.
     */
    private static Optional<KroneckerSizes> kronecker(Shape shape, Map<RowBlock, Optional<KroneckerSizes>> blocks) {
        if (blocks.isEmpty()) {
            return Optional.empty();
        }
        Optional<KroneckerSizes> first = blocks.values().iterator().next();
        if (blocks.size() == 1 && blocks.containsKey(all(shape))) {
            return first;
        }
        List<RowBlock> sorted = blocks.keySet().stream()
                .sorted(Comparator.comparingLong(RowBlock::from))
                .toList();
        long end = 0;
        for (RowBlock block : sorted) {
            if (block.from() != end || !Objects.equals(blocks.get(block), first)) {
                return Optional.empty();
            }
            end = block.to();
        }
        return end == shape.size(0)
                ? first.filter(sizes -> !sizes.diagonalInputs()).map(sizes -> sizes.stacked(sorted.size()))
                : Optional.empty();
    }
}
