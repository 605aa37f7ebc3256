// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.NodeDescription;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.RealMatrix;

/**
 * Curvature matrices of whole networks by all trained parameters, dense, from their definitions by scalar automatic
 * differentiation.
 */
public final class DenseCurvature {

    private final Problem problem;
    private final List<String> parameters;
    private final List<Sample> samples = new ArrayList<>();
    private final double factor;

    public DenseCurvature(Problem problem) {
        this.problem = problem;
        this.parameters = problem.trained();
        for (int n = 0; n < problem.samples(); n++) {
            samples.add(new Sample(problem, n));
        }
        this.factor = Losses.factor(problem, samples.get(0).output());
    }

    /** The parameters in the order of rows. */
    public List<String> parameters() {
        return parameters;
    }

    /** The first row of a parameter, or the number of rows for an unknown one. */
    public int start(String parameter) {
        int start = 0;
        for (String name : parameters) {
            if (name.equals(parameter)) {
                return start;
            }
            start += samples.get(0).variables(name).size();
        }
        return start;
    }

    /** P. */
    public int size() {
        return start("");
    }

    /** The Jacobian of all outputs of all samples: one row per sample and element of its output. */
    public RealMatrix jacobian() {
        List<double[]> rows = new ArrayList<>();
        for (Sample sample : samples) {
            rows.addAll(List.of(jacobian(sample.output().elements(), variables(sample))));
        }
        return matrix(rows.toArray(double[][]::new));
    }

    /** Σ_n J_nᵀ (c ∇²ℓ_n) J_n. */
    public RealMatrix gaussNewton() {
        RealMatrix sum = zeros();
        for (Sample sample : samples) {
            List<Value> outputs = sample.output().elements();
            RealMatrix hessian = matrix(jacobian(sample.loss().derivatives(outputs), outputs));
            sum = sum.add(pulled(matrix(jacobian(outputs, variables(sample))), hessian));
        }
        return sum.scalarMultiply(factor);
    }

    /** ∇² L. */
    public RealMatrix hessian() {
        RealMatrix sum = zeros();
        for (Sample sample : samples) {
            List<Value> variables = variables(sample);
            sum = sum.add(matrix(jacobian(sample.loss().derivatives(variables), variables)));
        }
        return sum.scalarMultiply(factor);
    }

    /** c Σ_n ∇ℓ_n ∇ℓ_nᵀ. */
    public RealMatrix empiricalFisher() {
        RealMatrix sum = zeros();
        for (Sample sample : samples) {
            RealMatrix gradient = matrix(jacobian(List.of(sample.loss()), variables(sample)));
            sum = sum.add(gradient.transpose().multiply(gradient));
        }
        return sum.scalarMultiply(factor);
    }

    /** The Gauss-Newton matrix, and what every node adds to the Hessian at its inputs with its eigenvalues changed. */
    public RealMatrix positiveCurvature(DoubleUnaryOperator projection) {
        RealMatrix sum = gaussNewton();
        for (NodeDescription node : problem.model().nodes()) {
            for (Sample sample : samples) {
                sum = sum.add(residual(node, sample, projection));
            }
        }
        return sum;
    }

    private RealMatrix residual(NodeDescription node, Sample sample, DoubleUnaryOperator projection) {
        Set<String> moving = moving();
        List<String> sources = sources(node);
        double[][] curvature = sample.curvature(node, sources, moving::contains);
        if (curvature.length == 0) {
            return zeros();
        }
        List<Value> inputs = new ArrayList<>();
        sources.stream()
                .filter(moving::contains)
                .forEach(source -> inputs.addAll(sample.at(source).elements()));
        EigenDecomposition eigen = new EigenDecomposition(matrix(curvature).scalarMultiply(factor));
        RealMatrix values = eigen.getD();
        for (int i = 0; i < curvature.length; i++) {
            values.setEntry(i, i, projection.applyAsDouble(values.getEntry(i, i)));
        }
        RealMatrix projected = eigen.getV().multiply(values).multiply(eigen.getVT());
        return pulled(matrix(jacobian(inputs, variables(sample))), projected);
    }

    /** The nodes that depend on a trained parameter. */
    private Set<String> moving() {
        Set<String> moving = new HashSet<>();
        for (NodeDescription node : problem.model().nodes()) {
            boolean own = parameters.stream()
                    .anyMatch(name ->
                            name.startsWith(node.name() + ".") || node.ties().containsValue(name));
            if (own || sources(node).stream().anyMatch(moving::contains)) {
                moving.add(node.name());
            }
        }
        return moving;
    }

    private List<String> sources(NodeDescription node) {
        int index = problem.model().nodes().indexOf(node);
        String before = index == 0
                ? problem.model().inputs().get(0)
                : problem.model().nodes().get(index - 1).name();
        return node.inputs().isEmpty() ? List.of(before) : node.inputs();
    }

    private List<Value> variables(Sample sample) {
        List<Value> variables = new ArrayList<>();
        parameters.forEach(name -> variables.addAll(sample.variables(name)));
        return variables;
    }

    private RealMatrix zeros() {
        return new Array2DRowRealMatrix(size(), size());
    }

    private static RealMatrix pulled(RealMatrix jacobian, RealMatrix middle) {
        return jacobian.transpose().multiply(middle).multiply(jacobian);
    }

    private static RealMatrix matrix(double[][] rows) {
        return new Array2DRowRealMatrix(rows);
    }

    private static double[][] jacobian(List<Value> of, List<Value> by) {
        double[][] jacobian = new double[of.size()][];
        for (int i = 0; i < jacobian.length; i++) {
            jacobian[i] = of.get(i).derivatives(by).stream()
                    .mapToDouble(Value::number)
                    .toArray();
        }
        return jacobian;
    }
}
