// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.support;

import io.backpack4j.spi.tensor.Shape;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A small instance of every module that model files name. */
final class SupportExamples {

    /**
     * A small instance.
     *
     * @param arguments the module's arguments
     * @param input the shape of one sample
     * @param inputs how many inputs it has
     */
    record Example(Map<String, Object> arguments, Shape input, int inputs) {}

    private static final Shape VECTOR = Shape.of(4);
    private static final Shape[] IMAGES = {Shape.of(2, 4), Shape.of(2, 4, 4), Shape.of(2, 4, 4, 4)};
    private static final Shape SEQUENCE = Shape.of(3, 4);
    private static final Map<String, Example> BY_TYPE = new HashMap<>();

    static {
        add(VECTOR, Map.of("in_features", 4, "out_features", 3), "Linear");
        add(
                VECTOR,
                Map.of(),
                "ReLU",
                "LeakyReLU",
                "ELU",
                "SELU",
                "Sigmoid",
                "Tanh",
                "LogSigmoid",
                "GELU",
                "SiLU",
                "Mish",
                "Softplus",
                "Softsign",
                "Hardtanh",
                "Hardswish",
                "Hardsigmoid",
                "ReLU6",
                "PReLU",
                "GLU",
                "Softmax",
                "LogSoftmax",
                "Identity",
                "Dropout");
        add(VECTOR, Map.of("weight", 2), "Scale");
        add(VECTOR, Map.of("scale", 2, "shift", 1), "Affine");
        add(VECTOR, Map.of("p", 0.5), "StochasticDepth");
        add(SEQUENCE, Map.of(), "Flatten");
        add(SEQUENCE, Map.of("normalized_shape", 4), "LayerNorm", "RMSNorm");
        add(IMAGES[0], Map.of("num_groups", 1, "num_channels", 2), "GroupNorm");
        add(SEQUENCE, Map.of("dim", 1), "Mean", "Max");
        add(SEQUENCE, Map.of("shape", List.of(4, -1)), "Reshape");
        add(VECTOR, Map.of("shape", List.of(3, 4)), "Parameter");
        add(SEQUENCE, Map.of("dims", List.of(0, 2, 1)), "Permute");
        add(SEQUENCE, Map.of("slices", List.of(Arrays.asList(null, null, 1), Arrays.asList(0, 2, 1))), "Slice");
        add(SEQUENCE, Map.of("input_size", 4, "hidden_size", 3, "batch_first", true), "RNN", "LSTM", "GRU");
        add(Shape.of(3), Map.of("num_embeddings", 5, "embedding_dim", 2), "Embedding", "EmbeddingBag");
        BY_TYPE.put("MatMul", new Example(Map.of(), Shape.of(4, 4), 2));
        BY_TYPE.put("ScaledDotProductAttention", new Example(Map.of("num_heads", 2), SEQUENCE, 3));
        BY_TYPE.put(
                "MultiheadAttention",
                new Example(Map.of("embed_dim", 4, "num_heads", 2, "batch_first", true), SEQUENCE, 3));
        Map<String, Object> transformer = Map.of("d_model", 4, "nhead", 2, "dim_feedforward", 3, "batch_first", true);
        add(SEQUENCE, transformer, "TransformerEncoderLayer");
        BY_TYPE.put("TransformerDecoderLayer", new Example(transformer, SEQUENCE, 2));
        BY_TYPE.put("Mul", new Example(Map.of(), VECTOR, 2));
        BY_TYPE.put("Div", new Example(Map.of(), VECTOR, 2));
        BY_TYPE.put("Sub", new Example(Map.of(), VECTOR, 2));
        BY_TYPE.put("Sum", new Example(Map.of(), VECTOR, 2));
        BY_TYPE.put("Concat", new Example(Map.of("dim", 1), VECTOR, 2));
        for (int axes = 1; axes <= IMAGES.length; axes++) {
            Map<String, Object> convolution = Map.of("in_channels", 2, "out_channels", 3, "kernel_size", 2);
            addSpatial(axes, convolution, "Conv", "ConvTranspose");
            addSpatial(axes, Map.of("kernel_size", 2), "MaxPool", "AvgPool");
            addSpatial(axes, Map.of("output_size", 2), "AdaptiveAvgPool", "AdaptiveMaxPool");
            addSpatial(axes, Map.of("padding", 1), "ZeroPad");
            addSpatial(axes, Map.of("padding", 1, "value", 0.5), "ConstantPad");
            addSpatial(axes, Map.of("num_features", 2, "mode", "eval"), "BatchNorm");
            addSpatial(axes, Map.of("num_features", 2, "affine", true), "InstanceNorm");
        }
        add(IMAGES[1], Map.of("scale_factor", 2), "Upsample");
        add(IMAGES[1], Map.of("padding", List.of(0, 1), "value", 0), "Pad");
    }

    private SupportExamples() {}

    /** The instance of a type, if the type is known here. */
    static Optional<Example> of(String type) {
        return Optional.ofNullable(BY_TYPE.get(type));
    }

    private static void add(Shape input, Map<String, Object> arguments, String... types) {
        for (String type : types) {
            BY_TYPE.put(type, new Example(arguments, input, 1));
        }
    }

    private static void addSpatial(int axes, Map<String, Object> arguments, String... families) {
        for (String family : families) {
            add(IMAGES[axes - 1], arguments, family + axes + "d");
        }
    }
}
