// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import io.backpack4j.kernel.NodeDescription;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Generalised Gauss-Newton blocks and Kronecker factors from their definitions, in loops, for networks whose parameters
 * are those of Linear nodes and of convolutions. Matrices are row-major.
 */
public final class Curvature {

    /** What positions that share a weight do. */
    public enum Convention {
        EXPAND,
        REDUCE,
        BACKPACK
    }

    private final Problem problem;
    private final List<Sample> samples = new ArrayList<>();
    private final List<double[][]> hessians = new ArrayList<>();

    public Curvature(Problem problem) {
        this.problem = problem;
        for (int n = 0; n < problem.samples(); n++) {
            samples.add(new Sample(problem, n));
        }
        double factor = Losses.factor(problem, samples.get(0).output());
        for (Sample sample : samples) {
            List<Value> outputs = sample.output().elements();
            double[][] hessian = jacobian(sample.loss().derivatives(outputs), outputs);
            for (double[] row : hessian) {
                for (int i = 0; i < row.length; i++) {
                    row[i] *= factor;
                }
            }
            hessians.add(hessian);
        }
    }

    /** Σ_n J_nᵀ (c ∇²ℓ_n) J_n of a parameter. */
    public double[] block(String parameter) {
        double[][] sum = new double[0][];
        for (int n = 0; n < samples.size(); n++) {
            Sample sample = samples.get(n);
            sum = add(sum, pulled(jacobian(sample.output().elements(), sample.variables(parameter)), hessians.get(n)));
        }
        return flat(sum);
    }

    /** KFLR's factors, under the names of result files without the result's own: {@code 0.weight/0}. */
    public Map<String, double[]> kflr(Convention convention) {
        return kflr(node -> convention);
    }

    /** The same with every module's own convention, and with the blocks of parameters without an input side. */
    public Map<String, double[]> kflr() {
        return kflr(Curvature::convention);
    }

    private Map<String, double[]> kflr(Function<NodeDescription, Convention> convention) {
        Map<String, double[]> results = new TreeMap<>();
        for (NodeDescription node : problem.model().nodes()) {
            if (!isWeighted(node)) {
                problem.trained().stream()
                        .filter(parameter -> parameter
                                .substring(0, parameter.lastIndexOf('.'))
                                .equals(node.name()))
                        .forEach(parameter -> results.put(parameter + "/0", block(parameter)));
                continue;
            }
            double[][] sum = new double[0][];
            for (int n = 0; n < samples.size(); n++) {
                Sample sample = samples.get(n);
                List<Value> at = sample.at(node.name()).elements();
                sum = add(sum, pulled(jacobian(sample.output().elements(), at), hessians.get(n)));
            }
            put(results, node, sum, convention.apply(node));
        }
        return results;
    }

    /** KFRA's factors of a chain: at every node the mean over the samples of the curvature that comes from above. */
    public Map<String, double[]> kfra(Convention convention) {
        return kfra(node -> convention);
    }

    /** The same with every module's own convention. */
    public Map<String, double[]> kfra() {
        return kfra(Curvature::convention);
    }

    private Map<String, double[]> kfra(Function<NodeDescription, Convention> convention) {
        Map<String, double[]> results = new TreeMap<>();
        double[][] averaged = new double[0][];
        for (double[][] hessian : hessians) {
            averaged = add(averaged, hessian);
        }
        List<NodeDescription> nodes = problem.model().nodes();
        for (int i = nodes.size() - 1; i >= 0; i--) {
            NodeDescription node = nodes.get(i);
            if (isWeighted(node)) {
                put(results, node, averaged, convention.apply(node));
            }
            if (nodes.subList(0, i).stream().noneMatch(Curvature::isWeighted)) {
                break;
            }
            double[][] next = new double[0][];
            for (Sample sample : samples) {
                double[][] pulled = pulled(sample.jacobian(node, source(node)), averaged);
                next = add(next, scaled(pulled, 1.0 / samples.size()));
            }
            averaged = next;
        }
        return results;
    }

    private static Convention convention(NodeDescription node) {
        return node.type().equals("Linear") ? Convention.EXPAND : Convention.BACKPACK;
    }

    /** Whether a node has a weight with an input side. */
    private static boolean isWeighted(NodeDescription node) {
        return node.type().equals("Linear") || node.type().startsWith("Conv");
    }

    /** @param curvature by all outputs of the node */
    private void put(Map<String, double[]> results, NodeDescription node, double[][] curvature, Convention convention) {
        PositionVectors vectors = new PositionVectors(node);
        int groups = vectors.groups();
        int[] shape = samples.get(0).at(node.name()).shape();
        double[][] reduced = overPositions(curvature, vectors, shape, true);
        double[][] expanded = overPositions(curvature, vectors, shape, false);
        double[][] output = convention == Convention.EXPAND ? expanded : reduced;
        int perGroup = output.length / groups;
        List<double[]> outputFactors = new ArrayList<>();
        List<double[]> inputFactors = new ArrayList<>();
        for (int group = 0; group < groups; group++) {
            double[][] block = new double[perGroup][perGroup];
            for (int i = 0; i < perGroup; i++) {
                System.arraycopy(output[group * perGroup + i], group * perGroup, block[i], 0, perGroup);
            }
            outputFactors.add(flat(block));
            inputFactors.add(flat(inputFactor(node, vectors, group, convention)));
        }
        if (problem.trained().contains(node.name() + ".weight")) {
            results.put(node.name() + ".weight/0", joined(outputFactors));
            results.put(node.name() + ".weight/1", joined(inputFactors));
        }
        if (problem.trained().contains(node.name() + ".bias")) {
            results.put(node.name() + ".bias/0", flat(reduced));
        }
    }

    /** What a node reads. */
    private String source(NodeDescription node) {
        int index = problem.model().nodes().indexOf(node);
        String before = index == 0
                ? problem.model().inputs().get(0)
                : problem.model().nodes().get(index - 1).name();
        return node.inputs().isEmpty() ? before : node.inputs().get(0);
    }

    private double[][] inputFactor(NodeDescription node, PositionVectors vectors, int group, Convention convention) {
        String source = source(node);
        double[][] sum = new double[0][];
        for (Sample sample : samples) {
            double[][] inputs =
                    vectors.of(sample.at(source), sample.at(node.name()).shape(), group);
            int length = inputs[0].length;
            int positions = inputs.length;
            double[][] ofSample = new double[length][length];
            for (int s = 0; s < positions; s++) {
                for (int t = 0; t < positions; t++) {
                    if (s != t && convention != Convention.REDUCE) {
                        continue;
                    }
                    double factor = switch (convention) {
                        case EXPAND -> 1.0 / positions;
                        case REDUCE -> 1.0 / positions / positions;
                        case BACKPACK -> 1;
                    };
                    for (int i = 0; i < length; i++) {
                        for (int j = 0; j < length; j++) {
                            ofSample[i][j] += factor * inputs[s][i] * inputs[t][j];
                        }
                    }
                }
            }
            sum = add(sum, scaled(ofSample, 1.0 / samples.size()));
        }
        return sum;
    }

    /** The sum over pairs of positions, or over positions, of a matrix over all outputs. */
    private static double[][] overPositions(double[][] matrix, PositionVectors vectors, int[] shape, boolean pairs) {
        int outputs = vectors.outputs(shape);
        double[][] sum = new double[outputs][outputs];
        for (int i = 0; i < matrix.length; i++) {
            for (int j = 0; j < matrix.length; j++) {
                if (pairs || vectors.position(shape, i) == vectors.position(shape, j)) {
                    sum[vectors.output(shape, i)][vectors.output(shape, j)] += matrix[i][j];
                }
            }
        }
        return sum;
    }

    private static double[] joined(List<double[]> parts) {
        return parts.stream().flatMapToDouble(Arrays::stream).toArray();
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

    /** Jᵀ H J. */
    private static double[][] pulled(double[][] jacobian, double[][] hessian) {
        int size = jacobian[0].length;
        double[][] product = new double[jacobian.length][size];
        addProduct(hessian, jacobian, product);
        double[][] transposed = new double[size][jacobian.length];
        for (int i = 0; i < size; i++) {
            for (int a = 0; a < jacobian.length; a++) {
                transposed[i][a] = jacobian[a][i];
            }
        }
        double[][] result = new double[size][size];
        addProduct(transposed, product, result);
        return result;
    }

    private static void addProduct(double[][] left, double[][] right, double[][] sum) {
        for (int i = 0; i < left.length; i++) {
            for (int k = 0; k < right.length; k++) {
                for (int j = 0; j < right[0].length; j++) {
                    sum[i][j] += left[i][k] * right[k][j];
                }
            }
        }
    }

    private static double[][] scaled(double[][] matrix, double factor) {
        double[][] result = new double[matrix.length][];
        for (int i = 0; i < matrix.length; i++) {
            result[i] = matrix[i].clone();
            for (int j = 0; j < result[i].length; j++) {
                result[i][j] *= factor;
            }
        }
        return result;
    }

    private static double[][] add(double[][] sum, double[][] other) {
        double[][] result = scaled(other, 1);
        for (int i = 0; i < sum.length; i++) {
            for (int j = 0; j < sum[i].length; j++) {
                result[i][j] += sum[i][j];
            }
        }
        return result;
    }

    private static double[] flat(double[][] matrix) {
        int columns = matrix.length == 0 ? 0 : matrix[0].length;
        double[] flat = new double[matrix.length * columns];
        for (int i = 0; i < matrix.length; i++) {
            System.arraycopy(matrix[i], 0, flat, i * columns, columns);
        }
        return flat;
    }
}
