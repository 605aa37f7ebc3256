// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.writing;

import io.backpack4j.onnx.writing.NodeWriter.NotWritable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** How convolutions, pooling, padding and upsampling are written. */
final class ConvolutionWriters {

    private ConvolutionWriters() {}

    static void register(Map<String, Consumer<NodeWriter>> all) {
        for (int axes = 1; axes <= 3; axes++) {
            int count = axes;
            String suffix = axes + "d";
            all.put("Conv" + suffix, node -> conv(node, count, "Conv"));
            all.put("ConvTranspose" + suffix, node -> conv(node, count, "ConvTranspose"));
            all.put("MaxPool" + suffix, node -> pool(node, count, "MaxPool"));
            all.put("AvgPool" + suffix, node -> pool(node, count, "AveragePool"));
            all.put("AdaptiveAvgPool" + suffix, node -> adaptive(node, "AveragePool"));
            all.put("AdaptiveMaxPool" + suffix, node -> adaptive(node, "MaxPool"));
            all.put("ZeroPad" + suffix, ConvolutionWriters::pad);
            all.put("ConstantPad" + suffix, ConvolutionWriters::pad);
        }
        all.put("Pad", ConvolutionWriters::pad);
        all.put("Upsample", ConvolutionWriters::upsample);
    }

    private static List<Long> each(NodeWriter node, String name, int axes, long otherwise) {
        return node.arguments().integers(name, axes, otherwise);
    }

    private static List<Long> twice(List<Long> padding) {
        List<Long> pads = new ArrayList<>(padding);
        pads.addAll(padding);
        return pads;
    }

    private static void conv(NodeWriter node, int axes, String operator) {
        if (node.arguments().value("padding") instanceof String word) {
            throw new NotWritable("has padding '%s', but must have numbers".formatted(word));
        }
        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("kernel_shape", each(node, "kernel_size", axes, 1));
        attributes.put("strides", each(node, "stride", axes, 1));
        attributes.put("pads", twice(each(node, "padding", axes, 0)));
        attributes.put("dilations", each(node, "dilation", axes, 1));
        attributes.put("group", node.arguments().integer("groups", 1));
        if (operator.equals("ConvTranspose")) {
            attributes.put("output_padding", each(node, "output_padding", axes, 0));
        }
        List<String> operands = new ArrayList<>(List.of(node.input(), node.parameter("weight")));
        if (node.has("bias")) {
            operands.add(node.parameter("bias"));
        }
        node.end(operator, operands, attributes);
    }

    private static void pool(NodeWriter node, int axes, String operator) {
        if (node.arguments().has("divisor_override")) {
            throw new NotWritable("has a divisor_override, which ONNX does not know");
        }
        List<Long> kernel = each(node, "kernel_size", axes, 1);
        boolean ceil = node.arguments().flag("ceil_mode", false);
        boolean means = operator.equals("AveragePool");
        if (ceil && means) {
            throw new NotWritable("has ceil_mode, of which ONNX's means are not certain");
        }
        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("kernel_shape", kernel);
        attributes.put("strides", node.arguments().has("stride") ? each(node, "stride", axes, 1) : kernel);
        attributes.put("pads", twice(each(node, "padding", axes, 0)));
        attributes.put("ceil_mode", ceil ? 1L : 0L);
        if (means) {
            attributes.put("count_include_pad", node.arguments().flag("count_include_pad", true) ? 1L : 0L);
        } else {
            attributes.put("dilations", each(node, "dilation", axes, 1));
        }
        node.only(operator, attributes);
    }

    /** Windows of equal size that do not overlap. */
    private static void adaptive(NodeWriter node, String operator) {
        List<Long> kernel = new ArrayList<>();
        for (int axis = 1; axis < node.sample().rank(); axis++) {
            long in = node.sample().size(axis);
            long out = node.output().size(axis);
            if (in % out != 0) {
                throw new NotWritable("makes %d of %d, but only divisors are possible".formatted(out, in));
            }
            kernel.add(in / out);
        }
        node.only(operator, Map.of("kernel_shape", kernel, "strides", kernel));
    }

    /** ONNX has all that comes before the axes, then all behind, from the batch on. */
    private static void pad(NodeWriter node) {
        int rank = node.sample().rank() + 1;
        int pairs = node.type().startsWith("Pad")
                ? 0
                : node.type().charAt(node.type().length() - 2) - '0';
        List<Long> padding = pairs == 0
                ? node.arguments().integers("padding")
                : node.arguments().integers("padding", 2 * pairs, 0);
        List<Long> pads = new ArrayList<>(Collections.nCopies(2 * rank, 0L));
        for (int i = 0; i < padding.size() / 2; i++) {
            pads.set(rank - 1 - i, padding.get(2 * i));
            pads.set(2 * rank - 1 - i, padding.get(2 * i + 1));
        }
        node.end(
                "Pad",
                List.of(
                        node.input(),
                        node.integers(pads),
                        node.number(node.arguments().number("value", 0))),
                Map.of("mode", "constant"));
    }

    private static void upsample(NodeWriter node) {
        boolean nearest =
                node.arguments().word("mode", "nearest", "nearest", "bilinear").equals("nearest");
        boolean corners = node.arguments().flag("align_corners", false);
        double[] scales = new double[node.sample().rank() + 1];
        scales[0] = 1;
        for (int axis = 0; axis < node.sample().rank(); axis++) {
            scales[axis + 1] = scale(node.sample().size(axis), node.output().size(axis));
        }
        String factors = node.graph().floats(node.name() + "_scales", scales);
        Map<String, Object> attributes = new LinkedHashMap<>();
        attributes.put("mode", nearest ? "nearest" : "linear");
        attributes.put(
                "coordinate_transformation_mode", nearest ? "asymmetric" : corners ? "align_corners" : "half_pixel");
        attributes.put("nearest_mode", "floor");
        node.end("Resize", List.of(node.input(), "", factors), attributes);
    }

    /** A float32 with which the size, rounded down, is right. */
    private static float scale(long in, long out) {
        float scale = (float) ((double) out / in);
        return Math.floor((float) in * scale) < out ? Math.nextUp(scale) : scale;
    }
}
