// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Models of images that are wrong: convolutions, pooling, padding, batch norms. */
final class BadImageModels {

    static final Map<String, Consumer<Workspace>> CASES = new TreeMap<>();

    private static final String CONVOLUTION = "\"type\": \"Conv2d\", \"in_channels\": 2, \"out_channels\": 3";
    private static final String KERNEL = ", \"kernel_size\": 3";
    private static final String TRANSPOSED = CONVOLUTION.replace("Conv2d", "ConvTranspose2d");

    static {
        first("conv_window_too_large", CONVOLUTION + ", \"kernel_size\": [2, 3], \"dilation\": [1, 3]");
        first("conv_wrong_channels", CONVOLUTION.replace("2,", "5,") + KERNEL);
        first("conv_kernel_for_three_axes", CONVOLUTION + ", \"kernel_size\": [3, 3, 3]");
        first("conv_kernel_zero", CONVOLUTION + ", \"kernel_size\": 0");
        first("conv_groups", CONVOLUTION + KERNEL + ", \"groups\": 2");
        first("conv_padding_word", CONVOLUTION + KERNEL + ", \"padding\": \"full\"");
        first("conv_padding_mode", CONVOLUTION + KERNEL + ", \"padding\": 1, \"padding_mode\": \"circular\"");
        first("conv_same_with_stride", CONVOLUTION + KERNEL + ", \"padding\": \"same\", \"stride\": 2");
        first("conv_for_one_axis", CONVOLUTION.replace("2d", "1d") + KERNEL);
        first("conv_transposed_output_padding", TRANSPOSED + KERNEL + ", \"output_padding\": 1");
        first("conv_transposed_too_much_padding", TRANSPOSED + KERNEL + ", \"padding\": 3");
        first("pool_indices", "\"type\": \"MaxPool2d\"" + KERNEL + ", \"return_indices\": true");
        first("pool_padding_too_large", "\"type\": \"MaxPool2d\"" + KERNEL + ", \"padding\": 2");
        first("pool_window_too_large", "\"type\": \"AvgPool2d\", \"kernel_size\": [3, 5]");
        first("pool_output_size", "\"type\": \"AdaptiveAvgPool2d\", \"output_size\": [2, 0]");
        first("pad_mode", "\"type\": \"Pad\", \"padding\": [1, 1], \"mode\": \"reflect\"");
        first("pad_of_the_batch", "\"type\": \"Pad\", \"padding\": [0, 0, 0, 0, 0, 0, 1, 1]");
        first("pad_odd", "\"type\": \"Pad\", \"padding\": [1, 1, 2]");
        first("pad_cuts_everything_off", "\"type\": \"ZeroPad2d\", \"padding\": [-2, -2, 0, 0]");
        first(
                "batch_norm_couples_samples",
                "\"type\": \"BatchNorm2d\", \"num_features\": 2, \"affine\": false, \"track_running_stats\": false");
        CASES.put("conv_without_channels", workspace -> {
            model(workspace, CONVOLUTION + KERNEL);
            workspace.tensor("input", new long[] {4, 4, 4}, new double[64]);
        });
        CASES.put(
                "batch_norm_of_one_number",
                workspace -> workspace
                        .model(
                                "\"type\": \"ReLU\"",
                                "\"type\": \"BatchNorm1d\", \"num_features\": 3, \"affine\": false, \"track_running_stats\": false")
                        .tensor("input", new long[] {1, 2}, 1, 2)
                        .integers("target", new long[] {1}, 0)
                        .withoutOption("--extensions"));
    }

    private BadImageModels() {}

    /** A model of images, {@code [4, 2, 4, 4]}, whose first node is wrong. */
    private static void first(String name, String node) {
        CASES.put(name, workspace -> model(workspace, node));
    }

    private static void model(Workspace workspace, String node) {
        workspace
                .model("""
                        {"nodes": [{"name": "0", %s},
                                   {"name": "1", "type": "Flatten"},
                                   {"name": "2", "type": "Linear", "in_features": 32, "out_features": 2}],
                         "loss": {"type": "CrossEntropyLoss"}}
                        """.formatted(node))
                .without("0.weight")
                .without("0.bias")
                .tensor("2.weight", new long[] {2, 32}, new double[64])
                .tensor("input", new long[] {4, 2, 4, 4}, new double[128]);
    }
}
