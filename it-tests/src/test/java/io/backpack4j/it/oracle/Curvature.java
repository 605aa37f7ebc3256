package io.backpack4j.it.oracle;

import io.backpack4j.kernel.NodeDescription;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Generalised Gauss-Newton blocks and Kronecker factors from their definitions, in loops, for networks whose parameters are
 * those of Linear nodes. Matrices are row-major.
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
        double factor = Losses.factor(
                problem.model().loss(), samples.size(), samples.get(0).output());
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
        Map<String, double[]> results = new TreeMap<>();
        for (NodeDescription node : linears()) {
            double[][] reduced = new double[0][];
            double[][] expanded = new double[0][];
            for (int n = 0; n < samples.size(); n++) {
                Sample sample = samples.get(n);
                List<Value> at = sample.at(node.name()).elements();
                double[][] curvature = pulled(jacobian(sample.output().elements(), at), hessians.get(n));
                int outputs = outputs(node);
                reduced = add(reduced, overPositions(curvature, outputs, true));
                expanded = add(expanded, overPositions(curvature, outputs, false));
            }
            put(results, node, convention == Convention.EXPAND ? expanded : reduced, reduced, convention);
        }
        return results;
    }

    /** KFRA's factors of a chain: at every node the mean over the samples of the curvature that comes from above. */
    public Map<String, double[]> kfra(Convention convention) {
        Map<String, double[]> results = new TreeMap<>();
        double[][] averaged = new double[0][];
        for (double[][] hessian : hessians) {
            averaged = add(averaged, hessian);
        }
        List<NodeDescription> nodes = problem.model().nodes();
        for (int i = nodes.size() - 1; i >= 0; i--) {
            NodeDescription node = nodes.get(i);
            if (node.type().equals("Linear")) {
                double[][] reduced = overPositions(averaged, outputs(node), true);
                double[][] expanded = overPositions(averaged, outputs(node), false);
                put(results, node, convention == Convention.EXPAND ? expanded : reduced, reduced, convention);
            }
            if (i == 0) {
                break;
            }
            double[][] next = new double[0][];
            for (Sample sample : samples) {
                List<Value> below = sample.at(nodes.get(i - 1).name()).elements();
                double[][] pulled = pulled(jacobian(sample.at(node.name()).elements(), below), averaged);
                next = add(next, scaled(pulled, 1.0 / samples.size()));
            }
            averaged = next;
        }
        return results;
    }

    private List<NodeDescription> linears() {
        return problem.model().nodes().stream()
                .filter(node -> node.type().equals("Linear"))
                .toList();
    }

    private void put(
            Map<String, double[]> results,
            NodeDescription node,
            double[][] output,
            double[][] bias,
            Convention convention) {
        results.put(node.name() + ".weight/0", flat(output));
        results.put(node.name() + ".weight/1", flat(inputFactor(node, convention)));
        if (problem.parameters().containsKey(node.name() + ".bias")) {
            results.put(node.name() + ".bias/0", flat(bias));
        }
    }

    private double[][] inputFactor(NodeDescription node, Convention convention) {
        int index = problem.model().nodes().indexOf(node);
        String before = index == 0
                ? problem.model().inputs().get(0)
                : problem.model().nodes().get(index - 1).name();
        String source = node.inputs().isEmpty() ? before : node.inputs().get(0);
        double[][] sum = new double[0][];
        for (Sample sample : samples) {
            double[] inputs = sample.at(source).numbers();
            int[] shape = sample.at(source).shape();
            int length = shape[shape.length - 1];
            int positions = inputs.length / length;
            double[][] ofSample = new double[length][length];
            for (int s = 0; s < positions; s++) {
                for (int t = 0; t < positions; t++) {
                    for (int i = 0; i < length; i++) {
                        for (int j = 0; j < length; j++) {
                            double product = inputs[s * length + i] * inputs[t * length + j];
                            ofSample[i][j] += switch (convention) {
                                case EXPAND -> s == t ? product / positions : 0;
                                case REDUCE -> product / positions / positions;
                                case BACKPACK -> s == t ? product : 0;
                            };
                        }
                    }
                }
            }
            sum = add(sum, scaled(ofSample, 1.0 / samples.size()));
        }
        return sum;
    }

    private static int outputs(NodeDescription node) {
        return ((Number) node.arguments().get("out_features")).intValue();
    }

    /** The sum over pairs of positions, or over positions, of a matrix over positions times outputs. */
    private static double[][] overPositions(double[][] matrix, int outputs, boolean pairs) {
        double[][] sum = new double[outputs][outputs];
        for (int i = 0; i < matrix.length; i++) {
            for (int j = 0; j < matrix.length; j++) {
                if (pairs || i / outputs == j / outputs) {
                    sum[i % outputs][j % outputs] += matrix[i][j];
                }
            }
        }
        return sum;
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
        double[][] result = new double[size][size];
        for (int a = 0; a < jacobian.length; a++) {
            for (int b = 0; b < jacobian.length; b++) {
                for (int i = 0; i < size; i++) {
                    for (int j = 0; j < size; j++) {
                        result[i][j] += jacobian[a][i] * hessian[a][b] * jacobian[b][j];
                    }
                }
            }
        }
        return result;
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
