// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Data files that are valid by themselves, but do not fit the model. */
final class BadTensors {

    static final Map<String, Consumer<Workspace>> CASES = new TreeMap<>();

    private static final long[] INPUT = {4, 2};
    private static final long[] TARGET = {4};

    static {
        add("tensor_wrong_shape", workspace -> workspace.tensor("0.weight", new long[] {2, 3}, new double[6]));
        add("tensor_wrong_rank", workspace -> workspace.tensor("0.bias", new long[] {3, 1}, new double[3]));
        add("tensor_wrong_dtype", workspace -> workspace.integers("0.bias", new long[] {3}, 1, 2, 3));
        add("tensor_of_bytes", workspace -> workspace.bytes("0.bias", "U8", new long[] {3}, new byte[3]));
        add("input_of_bytes", workspace -> workspace.bytes("input", "I8", INPUT, new byte[8]));
        add(
                "target_of_flags_for_real",
                workspace -> workspace
                        .model("CrossEntropyLoss", "BCEWithLogitsLoss")
                        .bytes("target", "BOOL", INPUT, new byte[8]));
        add("tensors_prefixed", workspace -> renamed(workspace, "", "net."));
        add("tensors_prefixed_twice", workspace -> renamed(workspace, "", "state_dict.model."));
        add(
                "tensors_prefixed_beside_others",
                workspace ->
                        renamed(workspace, "", "_orig_mod.").tensor("_orig_mod.head.weight", INPUT, new double[8]));
        add(
                "tensors_without_prefix",
                workspace -> workspace.model(Workspace.MODEL.replaceAll("\"([012])\"", "\"net.$1\"")));
        add("tied_differs", workspace -> tied(workspace).tensor("1.bias", new long[] {2}, 0.5, 0.25));
        add("tied_of_other_shape", workspace -> tied(workspace).tensor("1.bias", new long[] {1, 2}, 0.5, -0.5));
        add("tied_of_integers", workspace -> tied(workspace).integers("1.bias", new long[] {2}, 1, 2));
        add(
                "vectors_unknown",
                workspace -> workspace
                        .option("--extensions", "GGNMP(parameters=[0.bias])")
                        .tensor("vec/0.bias", new long[] {1, 3}, 1, 2, 3)
                        .tensor("vec/2.wieght", new long[] {1, 2, 3}, new double[6]));
        add(
                "vectors_of_tied",
                workspace ->
                        tied(workspace).option("--extensions", "GGNMP").tensor("vec/1.bias", new long[] {1, 2}, 1, 2));
        add(
                "vectors_of_integers",
                workspace -> workspace
                        .option("--extensions", "GGNMP(parameters=[0.bias])")
                        .integers("vec/0.bias", new long[] {1, 3}, 1, 2, 3));
        add("tensor_missing", workspace -> workspace.without("2.bias"));
        add("tensor_surplus", workspace -> workspace.tensor("0.wieght", new long[] {1}, 1));
        add("tensor_not_finite", workspace -> workspace.tensor("0.bias", new long[] {3}, 1, Double.NaN, 3));
        add(
                "tensor_infinite_in_float32",
                workspace ->
                        workspace.tensor("0.bias", new long[] {3}, 1, 1e300, 3).option("--dtype", "float32"));
        add("input_missing", workspace -> workspace.without("input"));
        add("input_scalar", workspace -> workspace.tensor("input", new long[0], 1));
        add("input_wrong_shape", workspace -> workspace.tensor("input", new long[] {4, 3}, new double[12]));
        add(
                "input_not_finite",
                workspace -> workspace.tensor("input", INPUT, 0, 1, 2, 3, 4, Double.NEGATIVE_INFINITY, 6, 7));
        add("input_integers", workspace -> workspace.integers("input", INPUT, new long[8]));
        add(
                "batch_empty",
                workspace -> workspace.tensor("input", new long[] {0, 2}).integers("target", new long[] {0}));
        add("batch_sizes_differ", workspace -> workspace.integers("target", new long[] {3}, 0, 1, 0));
        add("target_missing", workspace -> workspace.without("target"));
        add("target_class_too_large", workspace -> workspace.integers("target", TARGET, 0, 1, 2, 0));
        add("target_class_negative", workspace -> workspace.integers("target", TARGET, 0, -1, 1, 0));
        add("target_real_for_classes", workspace -> workspace.tensor("target", TARGET, 0, 1, 1, 0));
        add("target_wrong_shape", workspace -> workspace.integers("target", new long[] {4, 2}, new long[8]));
        add(
                "target_not_finite",
                workspace -> workspace
                        .model("CrossEntropyLoss", "MSELoss")
                        .tensor("target", INPUT, 0, 1, 2, 3, 4, 5, 6, Double.NaN));
        add("target_classes_for_real", workspace -> workspace.model("CrossEntropyLoss", "MSELoss"));
        add("target_scalar", workspace -> workspace.integers("target", new long[0], 1));
        add(
                "tensors_several_problems",
                workspace -> workspace
                        .without("0.bias")
                        .without("target")
                        .tensor("2.bias", new long[] {3}, 1, 2, 3)
                        .tensor("0.weight", new long[] {3, 2}, 1, 2, 3, Double.NaN, 5, 6)
                        .tensor("2.offset", new long[] {1}, 1));
        add(
                "everything_wrong",
                workspace -> workspace
                        .without("0.bias")
                        .integers("target", new long[] {2}, 0, 5)
                        .option("--extensions", "Variants,BatchGrad(subsample=[0])"));
    }

    private BadTensors() {}

    /** Names all parameters with another prefix. */
    private static Workspace renamed(Workspace workspace, String from, String to) {
        for (String name : new String[] {"0.weight", "0.bias", "2.weight", "2.bias"}) {
            workspace.rename(from + name, to + name);
        }
        return workspace;
    }

    /** A model of two layers that share their bias. */
    private static Workspace tied(Workspace workspace) {
        return workspace
                .model("""
                        {"nodes": [{"name": "0", "type": "Linear", "in_features": 2, "out_features": 2},
                                   {"name": "1", "type": "Linear", "in_features": 2, "out_features": 2,
                                    "tie": {"bias": "0.bias"}}],
                         "loss": {"type": "CrossEntropyLoss"}}
                        """)
                .without("2.weight")
                .without("2.bias")
                .tensor("0.weight", new long[] {2, 2}, 1, 2, 3, 4)
                .tensor("1.weight", new long[] {2, 2}, 1, 2, 3, 4)
                .tensor("0.bias", new long[] {2}, 0.5, -0.5);
    }

    private static void add(String name, Consumer<Workspace> change) {
        CASES.put(name, change);
    }
}
