// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.inspect;

import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.console.Text;
import io.backpack4j.kernel.Cost;
import io.backpack4j.kernel.Layer;
import io.backpack4j.spi.Problem;
import java.io.PrintWriter;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** An inspection for people. */
final class InspectText {

    private static final int SLOWEST = 3;
    private static final double MIB = 1 << 20;

    private final Inspection found;
    private final PrintWriter out;

    InspectText(Inspection found, PrintWriter out) {
        this.found = found;
        this.out = out;
    }

    void print() {
        out.println("%s: batch of %d, %s, backend %s"
                .formatted(found.model(), found.samples(), found.dtype(), found.backend()));
        out.println();
        printLayers();
        out.println();
        printQuantities();
        out.println();
        printCost();
        out.flush();
    }

    private void printLayers() {
        Map<String, Double> operations = found.forwardOperations();
        Table table = new Table("layer", "type", "output", ">parameters", ">MFLOP per sample");
        for (Layer layer : found.layers()) {
            long own = layer.parameterElements();
            String tied = layer.tensors().stream()
                    .filter(tensor -> tensor.role() == Layer.Role.TIED)
                    .map(tensor -> tensor.name() + " = " + tensor.owner())
                    .collect(Collectors.joining(", "));
            Double million = operations.get(layer.name());
            table.row(
                    layer.name(),
                    layer.type(),
                    layer.output().toString(),
                    own > 0 ? Text.format("%,d", own) : tied,
                    million == null ? "" : Text.format("%,.3f", million / 1e6));
        }
        double all =
                operations.values().stream().mapToDouble(Double::doubleValue).sum();
        table.row("all", "", "", Text.format("%,d", found.parameters()), Text.format("%,.3f", all / 1e6));
        table.print(out);
    }

    private void printQuantities() {
        Map<String, Optional<Problem>> refusals = found.quantities().refusals();
        out.println("supported for all parameters: "
                + refusals.entrySet().stream()
                        .filter(entry -> entry.getValue().isEmpty())
                        .map(Map.Entry::getKey)
                        .collect(Collectors.joining(", ")));
        refusals.forEach((type, refusal) -> refusal.ifPresent(problem -> {
            List<String> layers = found.quantities().layers().getOrDefault(type, List.of());
            String where = layers.isEmpty() ? "not supported" : "supported for " + String.join(", ", layers) + " only";
            out.println("%s: %s: %s".formatted(type, where, problem));
        }));
    }

    private void printCost() {
        Cost cost = found.cost();
        out.println("cost of %s:"
                .formatted(
                        found.extensions().isEmpty()
                                ? "the gradient"
                                : "the gradient, " + String.join(", ", found.extensions())));
        out.println(Text.format(
                "  time    about %s once the JVM has compiled it; %.3f GFLOP at up to %.0f GFLOP/s and %.1f GB/s, as this machine was measured now",
                seconds(cost.seconds()),
                cost.operations() / 1e9,
                cost.machine().operationsPerSecond() / 1e9,
                cost.machine().bytesPerSecond() / 1e9));
        String slowest = cost.nodes().stream()
                .sorted(Comparator.comparingDouble((Cost.NodeCost node) -> -seconds(node)))
                .limit(SLOWEST)
                .map(node -> node.node() + " " + seconds(seconds(node)))
                .collect(Collectors.joining(", "));
        out.println("          most of it at " + slowest);
        out.println(Text.format(
                "  memory  %.1f MiB%s, %.1f MiB of it results; beside it the model takes %.1f MiB and the batch %.1f MiB",
                cost.peakBytes() / MIB,
                cost.isRehearsed() ? "" : " of tensors, without workspaces",
                found.resultBytes() / MIB,
                found.modelBytes() / MIB,
                found.batchBytes() / MIB));
        if (found.plan().chunkSamples() < found.samples()) {
            out.println("          %d samples at a time, so that it fits"
                    .formatted(found.plan().chunkSamples()));
        }
    }

    private static double seconds(Cost.NodeCost node) {
        return node.forwardSeconds() + node.backwardSeconds();
    }

    private static String seconds(double seconds) {
        return seconds < 1 ? Text.format("%.3g ms", 1e3 * seconds) : Text.format("%.1f s", seconds);
    }
}
