package io.backpack4j.cli.report;

import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.tensor.Shape;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The weight of the first linear module that takes the pixels as they are.
 *
 * @param parameter its full name
 * @param last whether the module's output is the model's
 */
public record PixelWeight(String parameter, boolean last) {

    private static final Set<String> TRANSPARENT = Set.of("Flatten", "Identity");

    /** Finds it: a Linear, with nothing before it that changes the input's numbers. */
    public static Optional<PixelWeight> of(ModelDescription description, Model model, Pixels pixels) {
        Set<String> unchanged = new HashSet<>(description.inputs());
        String before = description.inputs().get(0);
        List<NodeDescription> nodes = description.nodes();
        String output = description.output().orElse(nodes.get(nodes.size() - 1).name());
        for (NodeDescription node : nodes) {
            List<String> inputs = node.inputs().isEmpty() ? List.of(before) : node.inputs();
            before = node.name();
            if (inputs.size() == 1 && unchanged.contains(inputs.get(0))) {
                if (TRANSPARENT.contains(node.type())) {
                    unchanged.add(node.name());
                } else if (node.type().equals("Linear")) {
                    String parameter = node.ties().getOrDefault("weight", node.name() + ".weight");
                    return fits(model, parameter, pixels)
                            ? Optional.of(new PixelWeight(parameter, node.name().equals(output)))
                            : Optional.empty();
                }
            }
        }
        return Optional.empty();
    }

    private static boolean fits(Model model, String parameter, Pixels pixels) {
        if (!model.parameters().trainable().contains(parameter)) {
            return false;
        }
        Shape shape = model.parameters().get(parameter).shape();
        return shape.rank() == 2 && shape.size(1) == pixels.count();
    }
}
