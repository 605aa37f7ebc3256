// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** What a quantity is at a step. */
public sealed interface Value {

    /** A number; never one that is not finite, see {@link #of(double)}. */
    record Scalar(double value) implements Value {
        @Override
        public Object toJson() {
            return value;
        }
    }

    /** One value for each of several parameters or layers, or several numbers. */
    record Several(List<Value> values) implements Value {
        public Several {
            values = List.copyOf(values);
        }

        @Override
        public Object toJson() {
            return values.stream().map(Value::toJson).toList();
        }
    }

    /**
     * Counts of equal bins.
     *
     * @param counts one for each bin
     * @param edges one more than bins
     */
    record Histogram(List<Long> counts, List<Double> edges) implements Value {
        public Histogram {
            counts = List.copyOf(counts);
            edges = List.copyOf(edges);
        }

        @Override
        public Object toJson() {
            return ordered("counts", counts, "edges", edges);
        }
    }

    /**
     * Counts of pairs.
     *
     * @param counts by bin of the gradient, then by bin of the parameter's value
     * @param gradientEdges of the bins of gradients
     * @param valueEdges of the bins of values
     * @param individual counts of single parameters with the same edges, if they were asked for
     */
    record JointHistogram(
            List<List<Long>> counts,
            List<Double> gradientEdges,
            List<Double> valueEdges,
            Map<String, List<List<Long>>> individual)
            implements Value {
        @Override
        public Object toJson() {
            Map<String, Object> json = ordered("counts", counts, "edges", List.of(gradientEdges, valueEdges));
            if (!individual.isEmpty()) {
                Map<String, Object> single = new LinkedHashMap<>();
                individual.forEach((name, own) ->
                        single.put(name, ordered("counts", own, "edges", List.of(gradientEdges, valueEdges))));
                json.put("individual", single);
            }
            return json;
        }
    }

    /** A file, relative to the run's folder. */
    record File(String path) implements Value {
        @Override
        public Object toJson() {
            return path;
        }
    }

    /** Nothing, and why. */
    record Missing(String reason) implements Value {
        @Override
        public Object toJson() {
            return ordered("missing", reason);
        }
    }

    /** Maps, lists, numbers and strings, as a line of a log has them. */
    Object toJson();

    /** A number, or why it is none. */
    static Value of(double value) {
        return Double.isFinite(value)
                ? new Scalar(value)
                : new Missing(Double.isNaN(value) ? "it is not a number (NaN)" : "it is infinite");
    }

    /** Numbers. */
    static Value of(double... values) {
        return new Several(Arrays.stream(values).mapToObj(Value::of).toList());
    }

    /** The number, if it is one. */
    default OptionalDouble number() {
        return this instanceof Scalar scalar ? OptionalDouble.of(scalar.value()) : OptionalDouble.empty();
    }

    /**
     * Reads what {@link #toJson} makes.
     *
     * @throws IllegalArgumentException if it is something else
     */
    static Value ofJson(@Nullable Object json) {
        if (json instanceof Number number) {
            return of(number.doubleValue());
        }
        if (json instanceof String path) {
            return new File(path);
        }
        if (json instanceof List<?> list) {
            return new Several(list.stream().map(Value::ofJson).toList());
        }
        if (json instanceof Map<?, ?> map) {
            return ofMap(map);
        }
        throw new IllegalArgumentException("neither a number, a list, counts with edges, nor a reason");
    }

    private static Value ofMap(Map<?, ?> map) {
        if (map.get("missing") instanceof String reason) {
            return new Missing(reason);
        }
        if (!(map.get("counts") instanceof List<?> counts) || !(map.get("edges") instanceof List<?> edges)) {
            throw new IllegalArgumentException("it has neither counts and edges nor a reason");
        }
        if (edges.isEmpty() || !(edges.get(0) instanceof List<?> first)) {
            return new Histogram(longs(counts), doubles(edges));
        }
        Map<String, List<List<Long>>> individual = new LinkedHashMap<>();
        if (map.get("individual") instanceof Map<?, ?> single) {
            single.forEach((name, own) -> {
                if (own instanceof Map<?, ?> histogram && histogram.get("counts") instanceof List<?> rows) {
                    individual.put(String.valueOf(name), rows(rows));
                }
            });
        }
        return new JointHistogram(rows(counts), doubles(first), doubles((List<?>) edges.get(1)), individual);
    }

    private static List<List<Long>> rows(List<?> rows) {
        List<List<Long>> counts = new ArrayList<>();
        for (Object row : rows) {
            counts.add(longs((List<?>) row));
        }
        return counts;
    }

    private static List<Long> longs(List<?> list) {
        return list.stream().map(each -> ((Number) each).longValue()).toList();
    }

    private static List<Double> doubles(List<?> list) {
        return list.stream().map(each -> ((Number) each).doubleValue()).toList();
    }

    private static Map<String, Object> ordered(String key, Object value) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put(key, value);
        return map;
    }

    private static Map<String, Object> ordered(String first, Object a, String second, Object b) {
        Map<String, Object> map = ordered(first, a);
        map.put(second, b);
        return map;
    }
}
