// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How names in checkpoints of PyTorch are matched with a model's, by one rule. Where every tensor but inputs, {@code
 * target} and results begins with {@code model.}, {@code module.} or {@code _orig_mod.}, which wrappers of modules put
 * there, and no node's name does, that is left away, as often as it is there. Where the owner of a tied parameter is
 * missing, as checkpoints keep only one of both, the first parameter that is tied to it stands for it. Any other name
 * must be the model's own.
 *
 * @param inputs the names of the model's inputs
 * @param nodes the names of its nodes
 * @param ties parameters that are another's: own to owner's full name
 */
record StateDictNames(List<String> inputs, List<String> nodes, Map<String, String> ties) {

    private static final List<String> PREFIXES = List.of("model.", "module.", "_orig_mod.");

    static StateDictNames of(ModelDescription model) {
        List<String> nodes = model.nodes().stream().map(NodeDescription::name).toList();
        return new StateDictNames(model.inputs(), nodes, TensorNames.ties(model));
    }

    static StateDictNames of(Graph graph) {
        List<String> nodes = graph.nodes().stream().map(Graph.Node::name).toList();
        return new StateDictNames(graph.inputs(), nodes, TensorNames.ties(graph));
    }

    /** The file with the model's names, as far as they follow from the rule. */
    Safetensors matched(Safetensors file) {
        Map<String, String> names = new LinkedHashMap<>();
        file.tensors().keySet().forEach(name -> names.put(name, name));
        Optional<String> prefix = prefix(names.keySet());
        while (prefix.isPresent()) {
            Map<String, String> shorter = new LinkedHashMap<>();
            String text = prefix.get();
            names.forEach(
                    (name, inFile) -> shorter.put(isPrefixable(name) ? name.substring(text.length()) : name, inFile));
            names.clear();
            names.putAll(shorter);
            prefix = prefix(names.keySet());
        }
        ties.forEach((own, owner) -> {
            String inFile = names.get(own);
            if (inFile != null) {
                names.putIfAbsent(owner, inFile);
            }
        });
        return file.named(names);
    }

    private Optional<String> prefix(Set<String> names) {
        List<String> prefixable = names.stream().filter(this::isPrefixable).toList();
        return prefixable.isEmpty()
                ? Optional.empty()
                : PREFIXES.stream()
                        .filter(prefix -> prefixable.stream()
                                .allMatch(name -> name.startsWith(prefix) && name.length() > prefix.length()))
                        .filter(prefix -> nodes.stream().noneMatch(node -> (node + ".").startsWith(prefix)))
                        .findFirst();
    }

    private boolean isPrefixable(String name) {
        boolean ofBatch = inputs.contains(name) || name.equals(TensorNames.TARGET);
        return !ofBatch && !name.contains("/") && !TensorNames.isResult(name);
    }
}
