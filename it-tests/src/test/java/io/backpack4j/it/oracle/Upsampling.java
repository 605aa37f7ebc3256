// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Upsampling by PyTorch's definition: every output is a weighted sum of the inputs around its place, axis by axis. */
final class Upsampling {

    /** An input along one axis, and its weight. */
    private record Term(int position, double weight) {}

    private Upsampling() {}

    static Values apply(Values x, Map<String, Object> arguments) {
        int[] shape = x.shape().clone();
        boolean bilinear = "bilinear".equals(arguments.get("mode"));
        boolean aligned = Boolean.TRUE.equals(arguments.get("align_corners"));
        for (int axis = 1; axis < shape.length; axis++) {
            shape[axis] = arguments.containsKey("size")
                    ? (int) each(arguments.get("size"), axis)
                    : (int) Math.floor(shape[axis] * each(arguments.get("scale_factor"), axis));
        }
        return Values.fill(shape, index -> {
            List<int[]> places = new ArrayList<>(List.of(index.clone()));
            List<Double> weights = new ArrayList<>(List.of(1.0));
            for (int axis = 1; axis < shape.length; axis++) {
                int in = x.shape()[axis];
                double step = arguments.containsKey("size")
                        ? (double) in / shape[axis]
                        : 1 / each(arguments.get("scale_factor"), axis);
                List<Term> terms = bilinear
                        ? between(index[axis], in, shape[axis], step, aligned)
                        : List.of(new Term(Math.min((int) (index[axis] * step), in - 1), 1));
                List<int[]> more = new ArrayList<>();
                List<Double> products = new ArrayList<>();
                for (int i = 0; i < places.size(); i++) {
                    for (Term term : terms) {
                        int[] place = places.get(i).clone();
                        place[axis] = term.position();
                        more.add(place);
                        products.add(weights.get(i) * term.weight());
                    }
                }
                places = more;
                weights = products;
            }
            Value sum = Value.constant(0);
            for (int i = 0; i < places.size(); i++) {
                sum = sum.plus(x.at(places.get(i)).times(weights.get(i)));
            }
            return sum;
        });
    }

    private static List<Term> between(int output, int in, int out, double step, boolean aligned) {
        double place = aligned ? output * (in - 1.0) / Math.max(1, out - 1) : Math.max(0, (output + 0.5) * step - 0.5);
        int first = Math.min((int) place, in - 1);
        int second = Math.min(first + 1, in - 1);
        return List.of(new Term(first, 1 - (place - first)), new Term(second, place - first));
    }

    private static double each(Object argument, int axis) {
        return ((Number) (argument instanceof List<?> list ? list.get(axis - 1) : argument)).doubleValue();
    }
}
