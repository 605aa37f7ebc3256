// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Convolutions, pooling, padding and resizing. */
final class Convolutions {

    private static final int MOST_AXES = 3;

    private Convolutions() {}

    static void register(Map<String, Consumer<Call>> all) {
        all.put("Conv", Convolutions::conv);
        all.put("ConvTranspose", Convolutions::convTranspose);
        all.put("MaxPool", Convolutions::maxPool);
        all.put("AveragePool", Convolutions::averagePool);
        all.put("GlobalAveragePool", call -> globalPool(call, "AdaptiveAvgPool"));
        all.put("GlobalMaxPool", call -> globalPool(call, "AdaptiveMaxPool"));
        all.put("Pad", Convolutions::pad);
        all.put("Resize", Convolutions::resize);
        all.put("Upsample", Convolutions::resize);
    }

    /** The number of axes behind batch and channels. */
    private static int spatial(Activation x) {
        int axes = x.rank() - 2;
        if (axes < 1 || axes > MOST_AXES) {
            throw new Refusal("takes a tensor with %d axes, but 3 to 5 are possible".formatted(x.rank()));
        }
        return axes;
    }

    private static List<Long> each(Call call, String name, int axes) {
        return call.integers(name).orElse(Collections.nCopies(axes, 1L));
    }

    /** What is put before and behind every spatial axis: first all before, then all behind. */
    private static List<Long> pads(
            Call call, Activation x, List<Long> kernel, List<Long> strides, List<Long> dilations) {
        int axes = kernel.size();
        String rule = call.word("auto_pad", "NOTSET");
        switch (rule) {
            case "NOTSET" -> {
                return call.integers("pads").orElse(Collections.nCopies(2 * axes, 0L));
            }
            case "VALID" -> {
                return Collections.nCopies(2 * axes, 0L);
            }
            case "SAME_UPPER", "SAME_LOWER" -> {
                List<Long> before = new ArrayList<>();
                List<Long> behind = new ArrayList<>();
                for (int i = 0; i < axes; i++) {
                    long in = x.size(i + 2);
                    long out = (in + strides.get(i) - 1) / strides.get(i);
                    long reach = (kernel.get(i) - 1) * dilations.get(i) + 1;
                    long total = Math.max(0, (out - 1) * strides.get(i) + reach - in);
                    long less = total / 2;
                    before.add(rule.equals("SAME_UPPER") ? less : total - less);
                    behind.add(rule.equals("SAME_UPPER") ? total - less : less);
                }
                before.addAll(behind);
                return before;
            }
            default -> throw new Refusal("has auto_pad '%s'".formatted(rule));
        }
    }

    private static boolean isSymmetric(List<Long> pads) {
        int axes = pads.size() / 2;
        return pads.subList(0, axes).equals(pads.subList(axes, 2 * axes));
    }

    /** PyTorch's order: before and behind the last axis, then the one before it. */
    private static List<Long> reversed(List<Long> pads) {
        int axes = pads.size() / 2;
        List<Long> reversed = new ArrayList<>();
        for (int axis = axes - 1; axis >= 0; axis--) {
            reversed.add(pads.get(axis));
            reversed.add(pads.get(axes + axis));
        }
        return reversed;
    }

    private static String padded(Call call, String node, List<Long> pads, double value) {
        return call.model()
                .network()
                .add(
                        call.name() + "_pad",
                        "Pad",
                        Map.of("padding", reversed(pads), "value", value),
                        List.of(node),
                        Map.of());
    }

    private static void conv(Call call) {
        Activation x = call.activation(0);
        Constant weight = call.constant(1);
        int axes = spatial(x);
        if (weight.rank() != axes + 2) {
            throw new Refusal("has a weight of sizes %s for a tensor with %d axes".formatted(weight.sizes(), x.rank()));
        }
        List<Long> kernel = weight.sizes().subList(2, axes + 2);
        List<Long> strides = each(call, "strides", axes);
        List<Long> dilations = each(call, "dilations", axes);
        List<Long> pads = pads(call, x, kernel, strides, dilations);
        long groups = call.integer("group", 1);
        String node = call.model().arrangement().batchFirst(x, call.name());
        boolean symmetric = isSymmetric(pads);
        if (!symmetric) {
            node = padded(call, node, pads, 0);
        }
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("in_channels", Math.multiplyExact(weight.sizes().get(1), groups));
        arguments.put("out_channels", weight.sizes().get(0));
        arguments.put("kernel_size", kernel);
        arguments.put("stride", strides);
        arguments.put("padding", symmetric ? pads.subList(0, axes) : Collections.nCopies(axes, 0L));
        arguments.put("dilation", dilations);
        arguments.put("groups", groups);
        add(call, "Conv" + axes + "d", arguments, node, x, weight);
    }

    private static void add(
            Call call, String type, Map<String, Object> arguments, String node, Activation x, Constant weight) {
        Optional<Constant> bias = call.optional(2);
        arguments.put("bias", bias.isPresent());
        Map<String, Network.Numbers> parameters = new LinkedHashMap<>();
        parameters.put("weight", new Network.Numbers(weight, true));
        bias.ifPresent(constant -> parameters.put("bias", new Network.Numbers(constant, true)));
        String name = Names.ofModule(call.node(), List.of(call.origin(1), call.origin(2)));
        String added = call.model().network().add(name, type, arguments, List.of(node), parameters);
        call.output(call.model().arrangement().plain(added, x.type()));
    }

    private static void convTranspose(Call call) {
        Activation x = call.activation(0);
        Constant weight = call.constant(1);
        int axes = spatial(x);
        List<Long> kernel = weight.sizes().subList(2, weight.rank());
        List<Long> pads = call.integers("pads").orElse(Collections.nCopies(2 * axes, 0L));
        boolean plain = call.word("auto_pad", "NOTSET").equals("NOTSET")
                && call.integers("output_shape").isEmpty()
                && kernel.size() == axes
                && isSymmetric(pads);
        if (!plain) {
            throw new Refusal(
                    "has auto_pad, output_shape or pads %s that differ before and behind, which is not supported"
                            .formatted(pads));
        }
        long groups = call.integer("group", 1);
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("in_channels", weight.sizes().get(0));
        arguments.put("out_channels", Math.multiplyExact(weight.sizes().get(1), groups));
        arguments.put("kernel_size", kernel);
        arguments.put("stride", each(call, "strides", axes));
        arguments.put("padding", pads.subList(0, axes));
        arguments.put("output_padding", call.integers("output_padding").orElse(Collections.nCopies(axes, 0L)));
        arguments.put("groups", groups);
        arguments.put("dilation", each(call, "dilations", axes));
        String node = call.model().arrangement().batchFirst(x, call.name());
        add(call, "ConvTranspose" + axes + "d", arguments, node, x, weight);
    }

    private static void maxPool(Call call) {
        if (call.uses(1) || call.integer("storage_order", 0) != 0) {
            throw new Refusal("gives indices of maxima, which is not supported");
        }
        pool(call, "MaxPool", each(call, "dilations", spatial(call.activation(0))));
    }

    private static void averagePool(Call call) {
        int axes = spatial(call.activation(0));
        List<Long> dilations = each(call, "dilations", axes);
        if (dilations.stream().anyMatch(dilation -> dilation != 1)) {
            throw new Refusal("has dilations %s, but only 1 is possible".formatted(dilations));
        }
        pool(call, "AvgPool", dilations);
    }

    private static void pool(Call call, String type, List<Long> dilations) {
        Activation x = call.activation(0);
        int axes = spatial(x);
        List<Long> kernel = call.integers("kernel_shape").orElseThrow(() -> new Refusal("has no kernel_shape"));
        List<Long> strides = each(call, "strides", axes);
        if (kernel.size() != axes) {
            throw new Refusal("has kernel_shape %s for a tensor with %d axes".formatted(kernel, x.rank()));
        }
        List<Long> pads = pads(call, x, kernel, strides, dilations);
        boolean counts = call.integer("count_include_pad", 0) != 0;
        boolean maximum = type.equals("MaxPool");
        String node = call.model().arrangement().batchFirst(x, call.name());
        boolean symmetric = isSymmetric(pads);
        if (!symmetric && !maximum && !counts) {
            throw new Refusal(
                    "leaves pads %s out of means, which differ before and behind, as is not supported".formatted(pads));
        }
        if (!symmetric) {
            node = padded(call, node, pads, maximum ? -Float.MAX_VALUE : 0);
        }
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("kernel_size", kernel);
        arguments.put("stride", strides);
        arguments.put("padding", symmetric ? pads.subList(0, axes) : Collections.nCopies(axes, 0L));
        if (maximum) {
            arguments.put("dilation", dilations);
        }
        arguments.put("ceil_mode", call.integer("ceil_mode", 0) != 0);
        if (!maximum) {
            arguments.put("count_include_pad", counts);
        }
        String added = call.model().network().add(call.name(), type + axes + "d", arguments, List.of(node), Map.of());
        call.output(call.model().arrangement().plain(added, x.type()));
    }

    private static void globalPool(Call call, String type) {
        Activation x = call.activation(0);
        if (!Patterns.layerNorm(call)) {
            pooled(call, x, type, spatial(x));
        }
    }

    /** One number for each channel, its spatial axes kept as ones. */
    static void pooled(Call call, Activation x, String type, int axes) {
        String node = call.model().arrangement().batchFirst(x, call.name());
        String added = call.model()
                .network()
                .add(call.name(), type + axes + "d", Map.of("output_size", 1L), List.of(node), Map.of());
        call.output(call.model().arrangement().plain(added, x.type()));
    }

    private static void pad(Call call) {
        Activation x = call.activation(0);
        String mode = call.word("mode", "constant");
        if (!mode.equals("constant")) {
            throw new Refusal("has mode '%s', but only 'constant' is possible".formatted(mode));
        }
        List<Long> given =
                call.integers("pads").orElseGet(() -> call.constant(1).integers());
        double value = call.has(2) ? call.constant(2).scalar() : call.number("value", 0);
        List<Long> pads = new ArrayList<>(Collections.nCopies(2 * x.rank(), 0L));
        List<Long> axes = call.has(3) ? call.constant(3).integers() : null;
        int count = given.size() / 2;
        if (axes == null ? count != x.rank() : count != axes.size()) {
            throw new Refusal("has %d pads for a tensor with %d axes".formatted(given.size(), x.rank()));
        }
        for (int i = 0; i < count; i++) {
            int axis = axes == null ? i : x.axis(axes.get(i));
            pads.set(axis, given.get(i));
            pads.set(x.rank() + axis, given.get(count + i));
        }
        int batch = IntStream.range(0, x.rank())
                .filter(axis -> x.holdsBatch(axis) || (axis == 0 && x.isBatchFirst()))
                .findFirst()
                .orElse(-1);
        if (batch >= 0 && (pads.get(batch) != 0 || pads.get(x.rank() + batch) != 0)) {
            throw new Refusal("pads the batch");
        }
        if (pads.stream().allMatch(size -> size == 0)) {
            call.output(x);
            return;
        }
        List<Integer> all = IntStream.range(0, x.rank())
                .filter(axis -> axis != batch)
                .boxed()
                .toList();
        if (batch >= 0 && x.axes().get(batch).size() > 1) {
            throw new Refusal("pads a tensor whose batch is joined with another axis");
        }
        Arrangement.Arranged arranged = call.model().arrangement().compact(x, call.name(), all);
        List<Long> ofSample = new ArrayList<>();
        all.forEach(axis -> ofSample.add(pads.get(axis)));
        all.forEach(axis -> ofSample.add(pads.get(x.rank() + axis)));
        String added = call.model()
                .network()
                .add(
                        call.name(),
                        "Pad",
                        Map.of("padding", reversed(ofSample), "value", value),
                        List.of(arranged.node()),
                        Map.of());
        call.output(call.model().arrangement().result(added, arranged.axes(), x.type()));
    }

    private static void resize(Call call) {
        Activation x = call.activation(0);
        int axes = spatial(x);
        boolean upsample = call.node().operator().equals("Upsample");
        String mode = call.word("mode", "nearest");
        String place = call.word("coordinate_transformation_mode", upsample ? "asymmetric" : "half_pixel");
        String rounding = call.word("nearest_mode", upsample ? "floor" : "round_prefer_floor");
        List<Double> scales = scales(call, x, upsample);
        boolean whole = scales.stream().allMatch(scale -> scale == Math.rint(scale));
        boolean nearest = mode.equals("nearest")
                && ((place.equals("asymmetric") && rounding.equals("floor"))
                        || (whole && place.equals("half_pixel") && rounding.startsWith("round_prefer")));
        boolean corners = place.equals("align_corners");
        boolean linear =
                mode.equals("linear") && (corners || place.equals("half_pixel") || place.equals("pytorch_half_pixel"));
        if (!nearest && !linear) {
            throw new Refusal(
                    "has mode '%s', coordinate_transformation_mode '%s' and nearest_mode '%s'; possible are nearest with asymmetric and floor, and linear with half_pixel, pytorch_half_pixel or align_corners"
                            .formatted(mode, place, rounding));
        }
        List<Long> sizes = new ArrayList<>();
        for (int i = 0; i < axes; i++) {
            sizes.add((long) Math.floor(x.size(i + 2) * scales.get(i) + 1e-6));
        }
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("size", sizes);
        arguments.put("mode", nearest ? "nearest" : "bilinear");
        if (!nearest) {
            arguments.put("align_corners", corners);
        }
        String node = call.model().arrangement().batchFirst(x, call.name());
        String added = call.model().network().add(call.name(), "Upsample", arguments, List.of(node), Map.of());
        call.output(call.model().arrangement().plain(added, x.type()));
    }

    /** The factors of the spatial axes; those of batch and channels must be one. */
    private static List<Double> scales(Call call, Activation x, boolean upsample) {
        List<Double> scales = new ArrayList<>();
        int at = upsample ? 1 : 2;
        if (upsample && call.attribute("scales").isPresent()) {
            call.attribute("scales").get().numbers().forEach(number -> scales.add((double) number));
        } else if (call.has(3)) {
            Constant sizes = call.constant(3);
            for (int axis = 0; axis < sizes.values().length && axis < x.rank(); axis++) {
                boolean batch = sizes.multiple(axis) == 1 && axis == 0;
                scales.add(
                        batch
                                ? 1
                                : sizes.values()[axis]
                                        / Math.max(
                                                1,
                                                axis == 0
                                                        ? call.model()
                                                                .declaredBatch()
                                                                .orElse(1)
                                                        : x.size(axis)));
            }
        } else {
            for (double scale : call.constant(at).values()) {
                scales.add(scale);
            }
        }
        if (scales.size() != x.rank() || scales.get(0) != 1 || scales.get(1) != 1) {
            throw new Refusal("scales %s, but only spatial axes may change".formatted(scales));
        }
        if (scales.stream().anyMatch(scale -> !(scale > 0 && scale < 1e6))) {
            throw new Refusal("scales " + scales);
        }
        return scales.subList(2, scales.size());
    }
}
