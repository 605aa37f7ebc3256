// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Means, maxima and sums over axes. */
final class Reductions {

    private Reductions() {}

    static void register(Map<String, Consumer<Call>> all) {
        all.put("ReduceMean", Reductions::mean);
        all.put("ReduceMax", call -> call.output(reduced(call, "Max")));
        all.put("ReduceSum", Reductions::sum);
    }

    private static List<Integer> axes(Call call, Activation x) {
        List<Integer> axes = call.axes(1)
                .map(given -> given.stream().map(x::axis).sorted().toList())
                .orElse(List.of());
        return axes.isEmpty() ? IntStream.range(0, x.rank()).boxed().toList() : axes;
    }

    private static boolean keeps(Call call) {
        return call.integer("keepdims", 1) != 0;
    }

    private static void mean(Call call) {
        if (Patterns.layerNorm(call)) {
            return;
        }
        Activation x = call.activation(0);
        List<Integer> axes = axes(call, x);
        boolean spatial = x.rank() >= 4
                && x.rank() <= 5
                && keeps(call)
                && axes.equals(IntStream.range(2, x.rank()).boxed().toList())
                && x.isBatchFirst();
        if (spatial) {
            Convolutions.pooled(call, x, "AdaptiveAvgPool", x.rank() - 2);
        } else {
            call.output(reduced(call, "Mean"));
        }
    }

    /** A sum is a mean times a number. */
    private static void sum(Call call) {
        Activation x = call.activation(0);
        long count = axes(call, x).stream().map(x::size).reduce(1L, Math::multiplyExact);
        Activation mean = reduced(call, "Mean");
        call.elementwise(mean, "Affine", Map.of("scale", (double) count, "shift", 0.0));
    }

    /** Drops one axis after the other, from the last to the first. */
    private static Activation reduced(Call call, String type) {
        Activation x = call.activation(0);
        List<Integer> axes = axes(call, x);
        if (axes.stream().anyMatch(x::holdsBatch) || (axes.contains(0) && x.isBatchFirst())) {
            throw new Refusal("reduces over the batch");
        }
        Arrangement.Arranged arranged = call.model().arrangement().compact(x, call.name(), axes);
        String node = arranged.node();
        List<List<Integer>> result = new ArrayList<>(arranged.axes());
        List<Integer> descending = new ArrayList<>(axes);
        Collections.reverse(descending);
        for (int axis : descending) {
            int place = result.get(axis).get(0);
            node = call.model().network().add(call.name(), type, Map.of("dim", place + 1L), List.of(node), Map.of());
            result.set(axis, List.of());
            result.replaceAll(group ->
                    group.stream().map(own -> own > place ? own - 1 : own).toList());
        }
        if (!keeps(call)) {
            descending.forEach(axis -> result.remove((int) axis));
        }
        return call.model().arrangement().result(node, result, x.type());
    }
}
