// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.NodeDescription;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * A model evaluated at one sample. Its trained parameters are variables of their own, so derivatives are this sample's
 * alone.
 */
public final class Sample {

    private final Map<String, Values> parameters = new LinkedHashMap<>();
    private final Map<String, Values> known = new HashMap<>();
    private final List<String> trained;
    private final List<WeightUse> uses = new ArrayList<>();
    private double margin = Double.POSITIVE_INFINITY;
    private final Values output;
    private final Problem problem;
    private final int number;

    /**
     * Evaluates.
     *
     * @param number which sample, from 0 on
     */
    public Sample(Problem problem, int number) {
        this.problem = problem;
        this.number = number;
        trained = problem.trained();
        problem.parameters().forEach((name, numbers) -> {
            boolean varies = trained.contains(name);
            parameters.put(name, Values.of(numbers, varies ? Value::variable : Value::constant));
        });
        problem.inputs().forEach((name, numbers) -> known.put(name, Values.of(numbers.row(number), Value::constant)));
        String before = problem.model().inputs().get(0);
        for (NodeDescription node : problem.model().nodes()) {
            List<String> names = node.inputs().isEmpty() ? List.of(before) : node.inputs();
            List<Values> inputs = names.stream().map(known::get).toList();
            Modules modules = new Modules(use ->
                    uses.add(new WeightUse(full(node, use.weight()), use.firstRow(), use.input(), use.output())));
            known.put(node.name(), modules.apply(node, inputs, name -> parameter(node, name)));
            margin = Math.min(margin, modules.margin());
            before = node.name();
        }
        output = known.get(problem.model().output().orElse(before));
    }

    private Values parameter(NodeDescription node, String name) {
        return parameters.get(full(node, name));
    }

    private static String full(NodeDescription node, String name) {
        return node.ties().getOrDefault(name, node.name() + "." + name);
    }

    /** All products of a weight with a vector, under full names, but those of convolutions and tables. */
    List<WeightUse> uses() {
        return uses;
    }

    /** The full names of the trained parameters. */
    public List<String> trained() {
        return trained;
    }

    /** The variables of a parameter. */
    public List<Value> variables(String parameter) {
        return parameters.get(parameter).elements();
    }

    /** The network's output. */
    public Values output() {
        return output;
    }

    /** The output of a node, or an input of the network. */
    public Values at(String name) {
        return known.get(name);
    }

    /** The derivatives of a node's output by its input alone, at this sample: one row per element of the output. */
    double[][] jacobian(NodeDescription node, String input) {
        Values at = known.get(input);
        Values fresh = Values.of(new Numbers(at.shape(), at.numbers()), Value::variable);
        Values result = new Modules().apply(node, List.of(fresh), name -> parameter(node, name));
        return result.elements().stream()
                .map(value -> value.derivatives(fresh.elements()).stream()
                        .mapToDouble(Value::number)
                        .toArray())
                .toArray(double[][]::new);
    }

    /**
     * Σ_o ∂ℓ/∂y_o ∇²y_o of a node's output y by some of its inputs alone, side by side: dense, without the factor of
     * the reduction.
     *
     * @param sources where the inputs come from
     * @param wanted which of them count
     */
    double[][] curvature(NodeDescription node, List<String> sources, Predicate<String> wanted) {
        List<Value> gradient = loss().derivatives(known.get(node.name()).elements());
        List<Values> inputs = new ArrayList<>();
        List<Value> variables = new ArrayList<>();
        for (String source : sources) {
            Values at = known.get(source);
            boolean varies = wanted.test(source);
            Values fresh = Values.of(new Numbers(at.shape(), at.numbers()), varies ? Value::variable : Value::constant);
            inputs.add(fresh);
            if (varies) {
                variables.addAll(fresh.elements());
            }
        }
        List<Value> outputs = new Modules()
                .apply(node, inputs, name -> constants(parameter(node, name)))
                .elements();
        List<Value> terms = new ArrayList<>();
        for (int o = 0; o < outputs.size(); o++) {
            terms.add(outputs.get(o).times(gradient.get(o).number()));
        }
        return Value.sum(terms).derivatives(variables).stream()
                .map(slope -> slope.derivatives(variables).stream()
                        .mapToDouble(Value::number)
                        .toArray())
                .toArray(double[][]::new);
    }

    private static Values constants(Values values) {
        return Values.of(new Numbers(values.shape(), values.numbers()), Value::constant);
    }

    /** ℓ, without the factor of the reduction. */
    public Value loss() {
        return Losses.value(problem.model().loss(), output, problem.targets().row(number));
    }

    /**
     * The smallest distance, other than zero, of a number from a kink of the activation or the maximum that it goes
     * through.
     */
    public double margin() {
        return margin;
    }
}
