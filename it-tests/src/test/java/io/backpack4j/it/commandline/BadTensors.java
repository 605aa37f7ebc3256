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
        add("target_class_negative", workspace -> workspace.integers("target", TARGET, 0, -100, 1, 0));
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

    private static void add(String name, Consumer<Workspace> change) {
        CASES.put(name, change);
    }
}
