// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The networks of BackPACK's tests, in small sizes, against the oracle: all quantities of first order, the diagonals,
 * and the exact root.
 */
class WrittenNetworksTest {

    private static final List<String> SECOND_ORDER =
            List.of("DiagGGNExact", "BatchDiagGGNExact", "SqrtGGNExact", "DiagHessian", "BatchDiagHessian");

    private static final Map<Setting, Passes> PASSES = new EnumMap<>(Setting.class);

    @BeforeAll
    static void open() {
        for (Setting setting : Setting.values()) {
            PASSES.put(setting, new Passes(setting));
        }
    }

    @AfterAll
    static void close() {
        PASSES.values().forEach(Passes::close);
        PASSES.clear();
    }

    private static void compare(String line) {
        Problem problem = Written.problem(line, 3);
        Map<String, double[]> expected = new TreeMap<>(new FirstOrder(problem).results());
        expected.putAll(new SecondOrder(problem, true).results());
        PASSES.forEach((setting, passes) -> {
            List<Request<?>> requests = new ArrayList<>(passes.firstOrder());
            SECOND_ORDER.forEach(type -> requests.add(passes.request(type, Map.of())));
            for (PassOptions options :
                    List.of(PassOptions.DEFAULT, PassOptions.DEFAULT.chunk(2).block(2))) {
                setting.assertClose(line + ", " + options, passes.run(problem, requests, options), expected);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2,3,3 | Conv2d 2 k=2 p=1 | Tanh | AdaptiveAvgPool2d output_size=1 | Conv2d 2 k=1 | Sigmoid | Mul @1 @4 | Flatten | Linear 3 | CrossEntropyLoss mean",
                "2,3 | Linear 3 | Sigmoid | Affine scale=0.5 shift=1.0 | Slice :,0:1 | Div @0 @3 | Tanh | Flatten | Linear 2 | CrossEntropyLoss sum",
                "2,3 | Linear 3 | Tanh | Slice :,:,0:1 | Sub @1 @2 | Slice :,0:1 @1 | Sum @3 @4 @2 | Tanh | Flatten | Linear 2 | MSELoss mean",
                "2,2,2 | Conv2d 2 k=1 | Tanh | Upsample scale_factor=1.5 mode=bilinear | Conv2d 1 k=2 | Upsample size=3,2 mode=bilinear align_corners=true | Flatten | Linear 2 | CrossEntropyLoss mean",
                "2,3 | Conv1d 2 k=2 | Tanh | Upsample size=5 | Flatten | Linear 2 | MSELoss sum"
            })
    void stretched_inputs_quotients_and_upsampling(String line) {
        compare(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "3,4,4 | Conv2d 2 k=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 nobias | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 | Sigmoid | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 nobias | Sigmoid | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 | Tanh | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 nobias | Tanh | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 | LeakyReLU negative_slope=0.1 | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 nobias | LeakyReLU | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 | LogSigmoid | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 nobias | LogSigmoid | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 | ELU alpha=0.3 | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 nobias | ELU | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 | SELU | Flatten | Linear 5 frozen | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 nobias | SELU | Flatten | Linear 5 frozen | CrossEntropyLoss mean"
            })
    void activations_behind_a_convolution(String line) {
        compare(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "3,7 | Conv1d 2 k=2 | ReLU | MaxPool1d k=2 s=1 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "3,7 | Conv1d 2 k=2 | ReLU | MaxPool1d k=2 s=1 d=2 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "3,8 | Conv1d 2 k=2 | ReLU | MaxPool1d k=2 ceil_mode=true | Flatten | Linear 4 | CrossEntropyLoss sum",
                "3,7 | Conv1d 2 k=2 | ReLU | AvgPool1d k=2 s=1 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "3,8 | Conv1d 2 k=2 | ReLU | AvgPool1d k=2 p=1 ceil_mode=true count_include_pad=false | Flatten | Linear 4 frozen"
                        + " | CrossEntropyLoss sum",
                "2,5,4 | Conv2d 2 k=2 | ReLU | MaxPool2d k=2 s=1 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "2,5,4 | Conv2d 2 k=2 | ReLU | MaxPool2d k=2 s=1 d=2 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "2,4,6 | Conv2d 2 k=2 | ReLU | MaxPool2d k=2 ceil_mode=true | Flatten | Linear 4 | CrossEntropyLoss sum",
                "2,5,4 | Conv2d 2 k=2 | ReLU | AvgPool2d k=2 s=1 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "2,4,6 | Conv2d 2 k=2 | ReLU | AvgPool2d k=2 p=1,0 ceil_mode=true | Flatten | Linear 4 frozen"
                        + " | CrossEntropyLoss sum",
                "2,3,4,3 | Conv3d 2 k=2 | ReLU | MaxPool3d k=2 s=1 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "2,4,4,4 | Conv3d 2 k=2 | ReLU | MaxPool3d k=2 s=1 d=2 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "2,4,3,4 | Conv3d 2 k=2 | ReLU | MaxPool3d k=2 ceil_mode=true | Flatten | Linear 4 frozen"
                        + " | CrossEntropyLoss sum",
                "2,3,4,3 | Conv3d 2 k=2 | ReLU | AvgPool3d k=2 s=1 | Flatten | Linear 4 frozen | CrossEntropyLoss sum",
                "2,4,3,3 | Conv3d 2 k=2 | ReLU | AvgPool3d k=2 p=1 ceil_mode=true count_include_pad=false | Flatten"
                        + " | Linear 4 frozen | CrossEntropyLoss sum",
                "3,5 | Linear 4 | AdaptiveAvgPool1d output_size=2 | Flatten | Linear 3 | CrossEntropyLoss mean",
                "2,5,4 | Conv2d 3 k=2 | Tanh | AdaptiveAvgPool2d output_size=2,1 | Flatten | Linear 3 frozen"
                        + " | CrossEntropyLoss mean",
                "2,3,4,3 | Conv3d 2 k=2 | Sigmoid | AdaptiveAvgPool3d output_size=2 | Flatten | Linear 3 frozen"
                        + " | CrossEntropyLoss mean",
                "2,5,4 | Conv2d 3 k=2 | Tanh | AdaptiveMaxPool2d output_size=2 | Flatten | Linear 3 frozen | MSELoss mean"
            })
    void pools(String line) {
        compare(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "3,7 | Conv1d 2 k=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,7 | Conv1d 3 k=2 s=2 d=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,7 | Conv1d 2 k=2 s=2 p=1 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,8 | Conv1d 6 k=2 s=4 p=2 d=3 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,7 | Conv1d 2 k=2 s=4 p=2 nobias | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,4,5 | Conv2d 2 k=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,5,4 | Conv2d 3 k=2 s=2 d=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,5,4 | Conv2d 2 k=2,3 s=2,1 p=1 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,8,7 | Conv2d 4 k=2 s=4 p=2 d=3 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,7,7 | Conv2d 2 k=2 s=4 p=2 nobias | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,2,3,4 | Conv3d 2 k=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,3,3,5 | Conv3d 2 k=2 s=2 d=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,2,3,3 | Conv3d 2 k=2,1,2 s=2 p=1,0,1 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,4,4,3 | Conv3d 3 k=2 s=4 p=2 d=3 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,3,4,4 | Conv3d 2 k=2 s=4 p=2 nobias | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "6,5 | Conv1d 4 k=2 g=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "6,4,3 | Conv2d 3 k=2 g=3 | Sigmoid | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "4,3,3,4 | Conv3d 2 k=2 d=2 g=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum"
            })
    void convolutions(String line) {
        compare(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "3,5 | ConvTranspose1d 2 k=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,5 | ConvTranspose1d 3 k=2 s=2 d=2 op=1 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,5 | ConvTranspose1d 2 k=2 s=2 p=1 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,4 | ConvTranspose1d 4 k=2 s=4 p=2 d=3 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,4 | ConvTranspose1d 2 k=2 s=4 p=2 nobias | Tanh | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,3,2 | ConvTranspose2d 2 k=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,3,3 | ConvTranspose2d 3 k=2 d=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,3,3 | ConvTranspose2d 2 k=2,3 s=2 p=1 | Sigmoid | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "3,3,2 | ConvTranspose2d 2 k=2 s=4 p=2 nobias | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,2,2,2 | ConvTranspose3d 2 k=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,2,3,3 | ConvTranspose3d 2 k=2 s=2 p=2 d=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "2,2,3,2 | ConvTranspose3d 2 k=2 nobias p=1,0,1 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "6,3 | ConvTranspose1d 3 k=2 s=4 p=2 g=3 d=3 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "4,3,3 | ConvTranspose2d 2 k=2 g=2 d=2 | ReLU | Flatten | Linear 5 frozen | CrossEntropyLoss sum",
                "4,3,3,3 | ConvTranspose3d 2 k=2,2,1 s=2 p=2,2,1 g=2 d=2 | ReLU | Flatten | Linear 5 frozen"
                        + " | CrossEntropyLoss sum"
            })
    void transposed_convolutions(String line) {
        compare(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2,4,4 | Conv2d 2 k=2 | Pad padding=1,1,0,2 | Conv2d 2 k=3 s=2 | Flatten | Linear 2 | MSELoss mean",
                "2,3,3 | Conv2d 2 k=3 p=1 | ReLU | Pad padding=1,1,2,0,1,2 value=1 | Conv2d 2 k=3 s=2 | ReLU | Flatten"
                        + " | Linear 3 | CrossEntropyLoss mean",
                "3,4,5 | Conv2d 2 k=2 p=1 | Slice :,0,::2,0:2 | ReLU | Flatten | Linear 4 | CrossEntropyLoss mean",
                "3,4,5 | Conv2d 3 k=2 p=1 | Slice :,:,2 | ReLU | Slice :,1 | Linear 4 | MSELoss sum",
                "6 | Linear 4 | ReLU | Linear 1 | BCEWithLogitsLoss mean",
                "2,3,4 | Conv2d 3 k=2 | LogSigmoid | AvgPool2d k=2 s=1 | Flatten | BCEWithLogitsLoss sum",
                "2,4,4 | Conv2d 3 k=2 s=2 | CrossEntropyLoss mean",
                "2,5 | Conv1d 2 k=3 p=2 | Tanh | ConvTranspose1d 3 k=2 s=2 | CrossEntropyLoss sum",
                "2,3,3 | Conv2d 2 k=2 | ELU | Conv2d 3 k=2 p=1 | Sigmoid | MSELoss mean",
                "3,4 | BatchNorm1d | Flatten | Linear 3 | CrossEntropyLoss mean",
                "3,4,4 | Conv2d 2 k=2 nobias | BatchNorm2d | ReLU | Flatten | Linear 3 | CrossEntropyLoss mean",
                "3,2,2,3 | BatchNorm3d | Linear 2 | BatchNorm3d | ReLU | BatchNorm3d | MSELoss mean",
                "4,2,3,5 | Linear 3 | ReLU | Linear 2 nobias | CrossEntropyLoss sum",
                "4,2,5 | Linear 3 | Sigmoid | Linear 2 | Flatten | MSELoss mean"
            })
    void pads_slices_norms_and_many_outputs(String line) {
        compare(line);
    }

    /** The library makes one node of ReLU, a pad of zeros and MaxPool; the oracle knows nothing of that. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "2,5,4 | Conv2d 3 k=2 | ReLU | ZeroPad2d padding=1 | MaxPool2d k=3 s=2 | Flatten | Linear 3 frozen"
                        + " | CrossEntropyLoss mean",
                "2,5,4 | Conv2d 3 k=2 | ReLU | Pad padding=0,2,1,0 | MaxPool2d k=3 s=2 p=1 | Tanh | Conv2d 2 k=2 | Flatten"
                        + " | Linear 3 frozen | CrossEntropyLoss mean",
                "2,5,4 | Conv2d 3 k=2 | ReLU | Pad padding=1,1 value=0.5 | MaxPool2d k=2 | Flatten | Linear 3 frozen"
                        + " | CrossEntropyLoss mean",
                "2,5,4 | Conv2d 3 k=2 | ReLU | Pad padding=-1,1 | MaxPool2d k=2 s=1 | Flatten | Linear 3 frozen"
                        + " | CrossEntropyLoss mean",
                "2,5,4 | Conv2d 3 k=2 | ReLU | Pad padding=0,0,0,0,1,1 | MaxPool2d k=2 s=1 | Flatten | Linear 3 frozen"
                        + " | CrossEntropyLoss mean",
                "2,7 | Conv1d 3 k=2 | Sigmoid | Scale weight=-1.5 | ReLU | ZeroPad1d padding=1,2 | MaxPool1d k=3 s=2 d=2"
                        + " | Flatten | Linear 3 | CrossEntropyLoss mean",
                "2,3,3,3 | Conv3d 2 k=2 | ReLU | ZeroPad3d padding=1,0,0,1,1,0 | MaxPool3d k=2 | Flatten | Linear 3 frozen"
                        + " | MSELoss sum",
                "2,4,4 | Conv2d 2 k=2 | ReLU | MaxPool2d k=2 s=1 | AdaptiveAvgPool2d output_size=1 | Sum @3 @3 | Flatten"
                        + " | Linear 3 | CrossEntropyLoss mean",
                "2,4,4 | Conv2d 2 k=2 | ReLU | MaxPool2d k=2 s=1 p=1 | AvgPool2d k=2 @1 s=1 | AvgPool2d k=3 s=1 @2 | Sum @3 @4"
                        + " | Flatten | Linear 3 | CrossEntropyLoss mean"
            })
    void maxima_of_what_is_rectified_and_padded(String line) {
        compare(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8 | Linear 5 | ReLU | Linear 5 | Sum @1 @2 | Sigmoid | Linear 4 | CrossEntropyLoss mean",
                "2,4,4 | Conv2d 2 k=3 p=1 | ReLU | Conv2d 2 k=3 p=1 | ReLU | Conv2d 2 k=3 p=1 | Sum @1 @4 | MaxPool2d k=3 s=1"
                        + " | Flatten | Linear 3 frozen | CrossEntropyLoss mean",
                "2,3,3 | Conv2d 2 k=2 | Sigmoid | Conv2d 2 k=3 p=1 | Tanh | Conv2d 2 k=1 | Sum @3 @4 | Sum @5 @1 | ReLU | Flatten"
                        + " | Linear 3 frozen | CrossEntropyLoss mean",
                "2 | Linear 3 | Tanh | Linear 2 | Scale weight=0.1 | Sum @input @3 | Linear 2 | MSELoss mean",
                "2,3,3 | Conv2d 2 k=2 | Sigmoid | ConvTranspose2d 2 k=2 | Mul @2 @input | Concat dim=1 @3 @2 | Tanh"
                        + " | AvgPool2d k=2 | Flatten | Linear 3 frozen | CrossEntropyLoss sum"
            })
    void branches(String line) {
        compare(line);
    }

    /** A ResNet of two blocks, the second one with a convolution beside it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "2,5,5 | Conv2d 2 k=3 s=2 p=1 nobias | BatchNorm2d | ReLU | MaxPool2d k=3 s=2 p=1"
                        + " | Conv2d 2 k=3 p=1 nobias | BatchNorm2d | ReLU | Conv2d 2 k=3 p=1 nobias | BatchNorm2d | Sum @8 @3 | ReLU"
                        + " | Conv2d 3 k=3 s=2 p=1 nobias | BatchNorm2d | ReLU | Conv2d 3 k=3 p=1 nobias | BatchNorm2d"
                        + " | Conv2d 3 k=1 s=2 nobias in=2 @10 | Sum @15 @16 | ReLU | AdaptiveAvgPool2d output_size=1 | Flatten | Linear 3"
                        + " | CrossEntropyLoss mean"
            })
    void a_small_resnet(String line) {
        compare(line);
    }
}
