// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.formats.ForeignModel;
import io.backpack4j.formats.ModelNumbers;
import io.backpack4j.formats.ModelTensor;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.onnx.OnnxProblems;
import io.backpack4j.onnx.proto.OnnxFile;
import io.backpack4j.onnx.proto.StoredTensor;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Makes the model of a converted graph: its output, its parameters and which of them are one. */
final class Finish {

    private static final Set<String> BUFFERS = Set.of("running_mean", "running_var");
    private static final int MOST_NAMES = 8;

    /** The most elements that are compared to find out whether all are equal. */
    private static final long MOST_EQUAL = 1 << 16;

    private final String file;
    private final Import source;
    private final LossDescription loss;
    private final List<ModelTensor> tensors = new ArrayList<>();
    private final Map<StoredTensor, Map<List<Long>, String>> owners = new IdentityHashMap<>();
    private final List<String> tied = new ArrayList<>();
    private final Set<String> merged = new LinkedHashSet<>();

    Finish(String file, Import source, LossDescription loss) {
        this.file = file;
        this.source = source;
        this.loss = loss;
    }

    ForeignModel model(String wanted) {
        source.problems().throwIfAny();
        String output = output(wanted);
        source.problems().throwIfAny();
        List<NodeDescription> nodes = new ArrayList<>();
        Set<String> read = new HashSet<>();
        for (Network.Draft draft : source.network().leadingTo(output)) {
            nodes.add(node(draft));
            read.addAll(draft.inputs());
        }
        source.problems().throwIfAny();
        Map<String, Shape> inputs = new LinkedHashMap<>(source.inputs());
        List<String> unread =
                inputs.keySet().stream().filter(name -> !read.contains(name)).toList();
        if (!unread.isEmpty()) {
            source.notices().add("The output does not depend on the inputs %s, which are left out.".formatted(unread));
            inputs.keySet().removeAll(unread);
        }
        addNotices(nodes);
        ModelDescription description =
                new ModelDescription(nodes, List.copyOf(inputs.keySet()), Optional.of(output), loss);
        return new ForeignModel(description, new ModelNumbers(file, tensors), inputs, source.notices());
    }

    private void refuse(String what) {
        source.problems().add(OnnxProblems.UNSUPPORTED_ONNX, "File '%s': %s".formatted(file, what));
    }

    private String output(String wanted) {
        Value value = source.known(wanted).orElse(new Value.Failed());
        if (!(value instanceof Activation activation)) {
            refuse("Its output '%s' does not depend on its inputs.".formatted(wanted));
            return "";
        }
        try {
            String node = source.arrangement().batchFirst(withoutLoss(activation), Names.clean(wanted));
            if (source.network().node(node) == null) {
                refuse("Its output '%s' is an input.".formatted(wanted));
            }
            return node;
        } catch (Refusal e) {
            refuse("Its output '%s' %s.".formatted(wanted, e.getMessage()));
            return "";
        }
    }

    /** What the loss computes itself is left out. */
    private Activation withoutLoss(Activation output) {
        Network.Draft last = source.network().node(output.node());
        boolean classes = loss.type().equals("CrossEntropyLoss")
                && last != null
                && last.type().equals("Softmax");
        boolean flags = loss.type().equals("BCEWithLogitsLoss")
                && last != null
                && last.type().equals("Sigmoid");
        if (last == null || !(classes || flags)) {
            return output;
        }
        source.notices()
                .add("The file's last node, '%s' (%s), is part of %s, which takes what comes before it: it is left out."
                        .formatted(last.name(), last.type(), loss.type()));
        return new Activation(last.inputs().get(0), output.sample(), output.axes(), output.type());
    }

    private NodeDescription node(Network.Draft draft) {
        Map<String, String> ties = new LinkedHashMap<>();
        Set<String> frozen = new LinkedHashSet<>();
        draft.parameters().forEach((parameter, numbers) -> {
            String name = draft.name() + "." + parameter;
            Constant constant = numbers.constant();
            if (!numbers.trained() && !BUFFERS.contains(parameter)) {
                frozen.add(parameter);
            }
            if (!constant.type().isReadable()) {
                refuse(
                        "Node '%s' needs the tensor '%s' of %s, but numbers must be float32 or float64. Convert the model to float32."
                                .formatted(
                                        draft.name(),
                                        constant.origin()
                                                .map(Constant.Origin::name)
                                                .orElse(parameter),
                                        constant.type()));
                return;
            }
            Optional<String> owner = BUFFERS.contains(parameter) ? Optional.empty() : owner(name, constant);
            if (owner.isPresent()) {
                ties.put(parameter, owner.get());
                tied.add("'%s' and '%s'".formatted(owner.get(), name));
            } else {
                tensors.add(FileTensor.of(name, constant));
            }
        });
        boolean all = !frozen.isEmpty() && frozen.size() == draft.parameters().size();
        return new NodeDescription(
                draft.name(),
                draft.type(),
                draft.arguments(),
                draft.inputs(),
                all ? Frozen.ALL : new Frozen(false, frozen),
                ties);
    }

    /** The parameter that has the same initializer, if there is one. */
    private Optional<String> owner(String name, Constant constant) {
        if (constant.origin().isEmpty()) {
            return Optional.empty();
        }
        Constant.Origin origin = constant.origin().get();
        Map<List<Long>, String> known = owners.computeIfAbsent(origin.tensor(), key -> new HashMap<>());
        List<Long> key = new ArrayList<>();
        for (int axis = 0; axis < constant.rank(); axis++) {
            key.add(constant.sizes().get(axis));
            key.add(
                    constant.sizes().get(axis) == 1
                            ? Long.valueOf(1)
                            : origin.strides().get(axis));
        }
        if (known.isEmpty()) {
            known.put(key, name);
            return Optional.empty();
        }
        if (areEqual(origin.tensor())) {
            merged.add(origin.tensor().name());
            return Optional.empty();
        }
        Optional<String> owner = Optional.ofNullable(known.get(key));
        if (owner.isEmpty()) {
            refuse(
                    "Parameter '%s' is the initializer '%s', as '%s' is, but with its numbers in another order, which cannot be tied."
                            .formatted(
                                    name,
                                    origin.tensor().name(),
                                    known.values().iterator().next()));
        }
        return owner;
    }

    /** Whether all elements are equal, as those of norms that were never trained. */
    private static boolean areEqual(StoredTensor tensor) {
        if (tensor.elements() > MOST_EQUAL) {
            return false;
        }
        for (long i = 1; i < tensor.elements(); i++) {
            if (Double.compare(tensor.at(i), tensor.at(0)) != 0) {
                return false;
            }
        }
        return true;
    }

    private void addNotices(List<NodeDescription> nodes) {
        if (!tied.isEmpty()) {
            source.notices()
                    .add(
                            "One initializer stands for two parameters each, which are tied: %s. If the exporter only merged equal numbers, export without deduplication."
                                    .formatted(shown(tied)));
        }
        if (!merged.isEmpty()) {
            source.notices()
                    .add(
                            "Initializers whose numbers are all equal stand for several parameters; exporters merge such, so they are not tied: %s."
                                    .formatted(shown(List.copyOf(merged))));
        }
        boolean norms = nodes.stream().anyMatch(node -> node.type().startsWith("BatchNorm"));
        List<String> folded = norms
                ? List.of()
                : source.source().graph().nodes().stream()
                        .filter(Finish::looksFolded)
                        .map(OnnxFile.Node::name)
                        .toList();
        if (!folded.isEmpty()) {
            source.notices()
                    .add(
                            "Batch norms seem to have been folded into %d convolutions at export (%s): gradients and curvature are those of the folded network. In PyTorch, torch.onnx.export(…, dynamo=True, optimize=False) keeps them."
                                    .formatted(folded.size(), shown(folded)));
        }
    }

    /**
     * Whether a batch norm was folded into a convolution: PyTorch's newer exporter leaves the batch norm's place in the
     * node's metadata, the older one replaces the names of weight and bias by numbered ones.
     */
    private static boolean looksFolded(OnnxFile.Node node) {
        if (!node.operator().startsWith("Conv")) {
            return false;
        }
        String classes = node.metadata().getOrDefault("pkg.torch.onnx.class_hierarchy", "");
        String rules = node.metadata().getOrDefault("pkg.onnxscript.rewriter.rule_name", "");
        boolean renamed = node.inputs().size() == 3
                && node.inputs().subList(1, 3).stream().allMatch(name -> name.startsWith("onnx::Conv"));
        return classes.contains("BatchNorm") || rules.contains("BatchNormIntoConv") || renamed;
    }

    private static String shown(List<String> names) {
        String first = names.stream().limit(MOST_NAMES).collect(Collectors.joining(", "));
        return names.size() > MOST_NAMES ? first + " and %d more".formatted(names.size() - MOST_NAMES) : first;
    }
}
