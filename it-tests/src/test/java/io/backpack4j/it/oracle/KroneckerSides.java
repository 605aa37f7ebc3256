// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.backend.CounterRandom;
import io.backpack4j.spi.backend.RandomKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Kronecker factors of drawn and of exact columns from their definitions, sample by sample, column by column, position
 * by position: for every product y = W x of a weight, wherever it happens, d is the derivative of a column's inner
 * product with the output by y. The output side is Σ d dᵀ over samples, columns and positions, the input side the mean
 * of x xᵀ over samples and positions. Filters have BackPACK's convention: d summed over positions before, x xᵀ summed
 * over positions. Where uses take blocks of a weight's rows, each block has sides of its own. Every other parameter has
 * the block of the columns.
 */
public final class KroneckerSides {

    private final Problem problem;
    private final List<Sample> samples = new ArrayList<>();
    private final double normaliser;

    public KroneckerSides(Problem problem) {
        this.problem = problem;
        IntStream.range(0, problem.samples()).forEach(n -> samples.add(new Sample(problem, n)));
        this.normaliser = Losses.factor(problem, samples.get(0).output());
    }

    /** With as many drawn columns for each sample; the samples' ids are their numbers. */
    public Map<String, double[]> drawn(long seed, int draws) {
        List<List<double[]>> columns = new ArrayList<>();
        for (int n = 0; n < samples.size(); n++) {
            List<double[]> ofSample = new ArrayList<>();
            for (int draw = 0; draw < draws; draw++) {
                RandomKey key = new RandomKey(seed, 0, 0).stream("loss").draw(draw);
                ofSample.add(scaled(
                        Math.sqrt(normaliser / draws), drawn(samples.get(n).output(), key, n)));
            }
            columns.add(ofSample);
        }
        return sides(columns);
    }

    /** With columns whose outer products make the Hessian of the loss. */
    public Map<String, double[]> exact() {
        return sides(samples.stream().map(sample -> exact(sample.output())).toList());
    }

    /** The gradient of the loss at a drawn target. */
    private double[] drawn(Values output, RandomKey key, long id) {
        double[] f = output.numbers();
        double[] column = new double[f.length];
        switch (problem.model().loss().type()) {
            case "CrossEntropyLoss" -> {
                int classes = output.shape()[0];
                int positions = f.length / classes;
                for (int q = 0; q < positions; q++) {
                    double[] p = probabilities(f, q, classes, positions);
                    double left = CounterRandom.uniform(key, id, q) - p[0];
                    int label = 0;
                    while (left >= 0 && label < classes - 1) {
                        label++;
                        left -= p[label];
                    }
                    for (int c = 0; c < classes; c++) {
                        column[c * positions + q] = p[c] - (c == label ? 1 : 0);
                    }
                }
            }
            case "MSELoss" -> {
                for (int i = 0; i < f.length; i++) {
                    double radius = Math.sqrt(-2 * Math.log(1 - CounterRandom.uniform(key, id, 2L * i)));
                    double angle = 2 * Math.PI * CounterRandom.uniform(key, id, 2L * i + 1);
                    column[i] = Math.sqrt(2) * radius * Math.cos(angle);
                }
            }
            case "BCEWithLogitsLoss" -> {
                for (int i = 0; i < f.length; i++) {
                    double p = 1 / (1 + Math.exp(-f[i]));
                    column[i] = p - (CounterRandom.uniform(key, id, i) < p ? 1 : 0);
                }
            }
            default -> throw new IllegalArgumentException(problem.model().loss().type());
        }
        return column;
    }

    private List<double[]> exact(Values output) {
        double[] f = output.numbers();
        List<double[]> columns = new ArrayList<>();
        boolean isClassified = problem.model().loss().type().equals("CrossEntropyLoss");
        int classes = isClassified ? output.shape()[0] : 0;
        for (int i = 0; i < f.length; i++) {
            double[] column = new double[f.length];
            double p = 1 / (1 + Math.exp(-f[i]));
            switch (problem.model().loss().type()) {
                case "CrossEntropyLoss" -> {
                    int positions = f.length / classes;
                    double[] all = probabilities(f, i % positions, classes, positions);
                    double root = Math.sqrt(all[i / positions]);
                    for (int c = 0; c < classes; c++) {
                        column[c * positions + i % positions] = root * ((c == i / positions ? 1 : 0) - all[c]);
                    }
                }
                case "MSELoss" -> column[i] = Math.sqrt(2);
                default -> column[i] = Math.sqrt(p * (1 - p));
            }
            columns.add(scaled(Math.sqrt(normaliser), column));
        }
        return columns;
    }

    private static double[] probabilities(double[] logits, int position, int classes, int positions) {
        double[] p = new double[classes];
        for (int c = 0; c < classes; c++) {
            p[c] = Math.exp(logits[c * positions + position]);
        }
        return scaled(1 / Arrays.stream(p).sum(), p);
    }

    private static double[] scaled(double factor, double... numbers) {
        return Arrays.stream(numbers).map(number -> factor * number).toArray();
    }

    /** The sides under the names of result files without the result's own: {@code 0.weight/0}. */
    private Map<String, double[]> sides(List<List<double[]>> columns) {
        Map<String, double[]> results = new TreeMap<>();
        for (int n = 0; n < samples.size(); n++) {
            Sample sample = samples.get(n);
            Map<String, Map<Integer, List<WeightUse>>> uses = new TreeMap<>();
            sample.uses()
                    .forEach(use -> uses.computeIfAbsent(use.weight(), name -> new TreeMap<>())
                            .computeIfAbsent(use.firstRow(), row -> new ArrayList<>())
                            .add(use));
            uses.forEach((weight, blocks) -> {
                int block = 0;
                for (List<WeightUse> all : blocks.values()) {
                    for (WeightUse use : all) {
                        addOuter(
                                results,
                                weight + "/1",
                                block,
                                blocks.size(),
                                1.0 / all.size() / samples.size(),
                                numbers(use.input()));
                    }
                    block++;
                }
            });
            for (double[] column : columns.get(n)) {
                addColumn(results, sample, uses, column);
            }
            addFilterInputs(results, sample);
        }
        return results;
    }

    private void addColumn(
            Map<String, double[]> results,
            Sample sample,
            Map<String, Map<Integer, List<WeightUse>>> uses,
            double[] column) {
        List<Value> terms = new ArrayList<>();
        for (int i = 0; i < column.length; i++) {
            terms.add(sample.output().elements().get(i).times(column[i]));
        }
        Value product = Value.sum(terms);
        for (String parameter : problem.trained()) {
            NodeDescription filter = filter(parameter);
            if (uses.containsKey(parameter)) {
                Map<Integer, List<WeightUse>> blocks = uses.get(parameter);
                int block = 0;
                for (List<WeightUse> all : blocks.values()) {
                    for (WeightUse use : all) {
                        double[] d = numbers(product.derivatives(use.output()));
                        addOuter(results, parameter + "/0", block, blocks.size(), 1, d);
                    }
                    block++;
                }
            } else if (filter != null) {
                Values at = sample.at(filter.name());
                double[] d = numbers(product.derivatives(at.elements()));
                int outputs = at.shape()[0];
                double[] sums = new double[outputs];
                for (int i = 0; i < d.length; i++) {
                    sums[i / (d.length / outputs)] += d[i];
                }
                addOuter(results, parameter + "/0", 0, 1, 1, sums);
            } else {
                double[] gradient = numbers(product.derivatives(sample.variables(parameter)));
                addOuter(results, parameter + "/0", 0, 1, 1, gradient);
            }
        }
    }

    private void addFilterInputs(Map<String, double[]> results, Sample sample) {
        String before = problem.model().inputs().get(0);
        for (NodeDescription node : problem.model().nodes()) {
            String source = node.inputs().isEmpty() ? before : node.inputs().get(0);
            String weight = node.name() + ".weight";
            if (node.type().startsWith("Conv") && problem.trained().contains(weight)) {
                double[][] inputs = new PositionVectors(node)
                        .of(sample.at(source), sample.at(node.name()).shape(), 0);
                for (double[] x : inputs) {
                    addOuter(results, weight + "/1", 0, 1, 1.0 / samples.size(), x);
                }
            }
            before = node.name();
        }
    }

    /** The convolution of one group whose weight a parameter is. */
    private @Nullable NodeDescription filter(String parameter) {
        return problem.model().nodes().stream()
                .filter(node -> node.type().startsWith("Conv") && parameter.equals(node.name() + ".weight"))
                .findFirst()
                .orElse(null);
    }

    private static double[] numbers(List<Value> values) {
        return values.stream().mapToDouble(Value::number).toArray();
    }

    private static void addOuter(
            Map<String, double[]> results, String name, int block, int blocks, double factor, double... vector) {
        int size = vector.length;
        double[] sum = results.computeIfAbsent(name, key -> new double[blocks * size * size]);
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                sum[(block * size + i) * size + j] += factor * vector[i] * vector[j];
            }
        }
    }
}
