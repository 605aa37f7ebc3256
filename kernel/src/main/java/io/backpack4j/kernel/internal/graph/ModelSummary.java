// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/**
 * A network as a table for people: its nodes, what they make of one sample, their parameters, and how many numbers
 * these are.
 */
final class ModelSummary {

    private static final int COLUMNS = 5;
    private static final int COUNT = 3;

    private final BoundGraph bound;
    /** Parameters, or rows of them, that a node before has. */
    private final Set<BoundNode.Owner> counted = new HashSet<>();

    private long trained;
    private long frozen;
    private long buffers;

    private ModelSummary(BoundGraph bound) {
        this.bound = bound;
    }

    /** @param loss its type, or that there is none */
    static String of(BoundGraph bound, String loss, DType dtype) {
        return new ModelSummary(bound).text(loss, dtype);
    }

    private String text(String loss, DType dtype) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"node", "type", "output", "numbers", "parameters"});
        bound.nodes().forEach(node -> rows.add(row(node)));
        int[] widths = new int[COLUMNS];
        rows.forEach(row -> Arrays.setAll(widths, i -> Math.max(widths[i], row[i].length())));
        StringBuilder text = new StringBuilder();
        rows.forEach(row -> text.append(line(row, widths)).append('\n'));
        List<String> inputs = new ArrayList<>();
        for (int i = 0; i < bound.inputShapes().size(); i++) {
            inputs.add(bound.graph().inputs().get(i) + " " + bound.inputShapes().get(i));
        }
        return text.append("takes %s; gives %s %s; %s; %s\n"
                        .formatted(
                                String.join(", ", inputs),
                                bound.graph().output(),
                                bound.outputShape(),
                                loss,
                                dtype.name().toLowerCase(Locale.ROOT)))
                .append("%s parameters, %s of them frozen; %s numbers in buffers"
                        .formatted(number(trained + frozen), number(frozen), number(buffers)))
                .toString();
    }

    private String[] row(BoundNode node) {
        long own = 0;
        List<String> parameters = new ArrayList<>();
        for (ParameterSpec spec : node.declaration().parameters()) {
            BoundNode.Owner place = Objects.requireNonNull(node.owners().get(spec.name()));
            String owner = place.parameter();
            long elements = spec.shape().elements();
            boolean tied = !counted.add(place);
            boolean isFrozen = spec.trainable() && !bound.uses().containsKey(owner);
            String mark = isFrozen ? " frozen" : "";
            if (tied) {
                parameters.add("%s = %s%s".formatted(spec.name(), owner, mark));
            } else if (spec.trainable()) {
                parameters.add("%s %s%s".formatted(spec.name(), spec.shape(), mark));
                own += elements;
                trained += isFrozen ? 0 : elements;
                frozen += isFrozen ? elements : 0;
            } else {
                parameters.add("%s %s buffer".formatted(spec.name(), spec.shape()));
                buffers += elements;
            }
        }
        return new String[] {
            node.node().name(),
            node.node().module().type(),
            node.declaration().output().toString(),
            own == 0 ? "" : number(own),
            String.join(", ", parameters)
        };
    }

    private static String line(String[] row, int... widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < row.length; i++) {
            String gap = " ".repeat(widths[i] - row[i].length());
            // Numbers stand at the right of their column.
            line.append(i == COUNT ? gap + row[i] : row[i] + gap).append("  ");
        }
        return line.toString().stripTrailing();
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
