// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.LossDescription;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The second-order quantities, from their definitions, under the names of result files: dense Jacobians and dense
 * Hessians of one sample at a time, all by scalar automatic differentiation.
 */
public final class SecondOrder {

    private final SortedMap<String, double[]> results = new TreeMap<>();

    /**
     * Calculates.
     *
     * @param hessian whether the diagonal of the Hessian is wanted, which takes much longer
     */
    public SecondOrder(Problem problem, boolean hessian) {
        LossDescription loss = problem.model().loss();
        List<Sample> samples = new ArrayList<>();
        for (int n = 0; n < problem.samples(); n++) {
            samples.add(new Sample(problem, n));
        }
        double factor = Losses.factor(problem, samples.get(0).output());
        List<double[][]> hessians = new ArrayList<>();
        for (int n = 0; n < samples.size(); n++) {
            hessians.add(Losses.hessian(
                    loss, samples.get(n).output(), problem.targets().row(n)));
        }
        for (String parameter : samples.get(0).trained()) {
            List<double[]> ggn = new ArrayList<>();
            List<double[]> diagonals = new ArrayList<>();
            List<double[][]> roots = new ArrayList<>();
            for (int n = 0; n < samples.size(); n++) {
                Sample sample = samples.get(n);
                double[][] jacobian = jacobian(sample, parameter);
                ggn.add(scaled(factor, quadraticDiagonal(jacobian, hessians.get(n))));
                roots.add(product(
                        Losses.root(loss, sample.output(), problem.targets().row(n), factor), jacobian));
                if (hessian) {
                    diagonals.add(scaled(factor, hessianDiagonal(sample, parameter)));
                }
            }
            results.put(parameter + "/diag_ggn_exact", sum(ggn));
            results.put(parameter + "/diag_ggn_exact_batch", joined(ggn));
            results.put(parameter + "/sqrt_ggn_exact", byColumn(roots));
            if (hessian) {
                results.put(parameter + "/diag_h", sum(diagonals));
                results.put(parameter + "/diag_h_batch", joined(diagonals));
            }
        }
    }

    /** All results. */
    public Map<String, double[]> results() {
        return results;
    }

    /** One row per output, one column per element of the parameter. */
    private static double[][] jacobian(Sample sample, String parameter) {
        List<Value> variables = sample.variables(parameter);
        return sample.output().elements().stream()
                .map(output -> numbers(output.derivatives(variables)))
                .toArray(double[][]::new);
    }

    /** diag JᵀHJ. */
    private static double[] quadraticDiagonal(double[][] jacobian, double[][] hessian) {
        int size = jacobian[0].length;
        double[] diagonal = new double[size];
        for (int p = 0; p < size; p++) {
            for (int i = 0; i < hessian.length; i++) {
                for (int j = 0; j < hessian.length; j++) {
                    diagonal[p] += jacobian[i][p] * hessian[i][j] * jacobian[j][p];
                }
            }
        }
        return diagonal;
    }

    private static double[] hessianDiagonal(Sample sample, String parameter) {
        List<Value> variables = sample.variables(parameter);
        List<Value> gradient = sample.loss().derivatives(variables);
        double[] diagonal = new double[variables.size()];
        for (int p = 0; p < diagonal.length; p++) {
            diagonal[p] = gradient.get(p)
                    .derivatives(List.of(variables.get(p)))
                    .get(0)
                    .number();
        }
        return diagonal;
    }

    private static double[][] product(double[][] a, double[][] b) {
        double[][] product = new double[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int k = 0; k < b.length; k++) {
                for (int j = 0; j < b[0].length; j++) {
                    product[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return product;
    }

    private static double[] numbers(List<Value> values) {
        return values.stream().mapToDouble(Value::number).toArray();
    }

    private static double[] scaled(double factor, double[] values) {
        return Arrays.stream(values).map(value -> factor * value).toArray();
    }

    private static double[] sum(List<double[]> rows) {
        double[] sum = new double[rows.get(0).length];
        for (double[] row : rows) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += row[i];
            }
        }
        return sum;
    }

    private static double[] joined(List<double[]> rows) {
        return rows.stream().flatMapToDouble(Arrays::stream).toArray();
    }

    /** {@code [V, N, *]} of N matrices {@code [V, *]}. */
    private static double[] byColumn(List<double[][]> ofSamples) {
        List<double[]> rows = new ArrayList<>();
        for (int v = 0; v < ofSamples.get(0).length; v++) {
            for (double[][] columns : ofSamples) {
                rows.add(columns[v]);
            }
        }
        return joined(rows);
    }
}
