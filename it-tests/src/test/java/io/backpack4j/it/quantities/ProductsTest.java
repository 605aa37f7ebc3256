// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.it.oracle.DenseCurvature;
import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.testkit.Randomness;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Products with the blocks of curvature matrices against dense ones, on random networks with forks and shared
 * parameters. {@code -Dbackpack.test.seed=…} draws other networks, {@code -Dbackpack.it.networks=…} more.
 */
class ProductsTest {

    private static final long SEED = Randomness.seed(1);
    private static final int NETWORKS = Integer.getInteger("backpack.it.networks", 60);
    private static final double LEAST_MARGIN = 1e-4;
    private static final int VECTORS = 3;

    static Problem problem(long number) {
        Random random = new Random(SEED * 17_000_023 + number);
        while (true) {
            Problem problem = RandomProblem.draw(random);
            if (new FirstOrder(problem).margin() > LEAST_MARGIN
                    && !problem.trained().isEmpty()) {
                return problem;
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void products_are_those_of_dense_blocks(Setting setting) {
        System.out.printf("Random networks of -Dbackpack.test.seed=%d in %s%n", SEED, setting);
        try (Passes passes = new Passes(setting)) {
            List<Request<?>> requests = List.of(
                    passes.request("GGNMP", Map.of()),
                    passes.request("HMP", Map.of()),
                    passes.request("PCHMP", Map.of("modify", "clip")),
                    passes.request("PCHMP", Map.of("modify", "abs")));
            for (int network = 0; network < NETWORKS; network++) {
                Problem problem = problem(network);
                Random random = new Random(network);
                Map<String, Numbers> vectors = vectors(random, problem);
                Map<String, double[]> expected = expected(problem, vectors, true);
                PassOptions split = PassOptions.DEFAULT
                        .chunk(1L + random.nextInt(problem.samples()))
                        .block(1L + random.nextInt(VECTORS));
                for (PassOptions options : List.of(PassOptions.DEFAULT, split)) {
                    Map<String, double[]> actual = passes.run(problem, vectors, requests, options);
                    actual.keySet().retainAll(expected.keySet());
                    setting.assertClose("network %d, %s".formatted(network, problem.model()), actual, expected);
                }
            }
        }
    }

    static Map<String, Numbers> vectors(Random random, Problem problem) {
        Map<String, Numbers> vectors = new LinkedHashMap<>();
        for (String name : problem.trained()) {
            int[] shape = problem.parameters().get(name).shape();
            int[] wider = new int[shape.length + 1];
            wider[0] = VECTORS;
            System.arraycopy(shape, 0, wider, 1, shape.length);
            vectors.put(name, Networks.normal(random, wider));
        }
        return vectors;
    }

    /**
     * Products with the blocks of all matrices.
     *
     * @param isProjected whether nodes of the model are those of the bound graph, at which PCHMP projects
     */
    static Map<String, double[]> expected(Problem problem, Map<String, Numbers> vectors, boolean isProjected) {
        DenseCurvature dense = new DenseCurvature(problem);
        Map<String, RealMatrix> matrices = new TreeMap<>();
        matrices.put("ggnmp", dense.gaussNewton());
        matrices.put("hmp", dense.hessian());
        if (isProjected) {
            matrices.put("pchmp_clip", dense.positiveCurvature(value -> Math.max(0, value)));
            matrices.put("pchmp_abs", dense.positiveCurvature(Math::abs));
        }
        Map<String, double[]> expected = new TreeMap<>();
        for (String name : problem.trained()) {
            int start = dense.start(name);
            int size = problem.parameters().get(name).values().length;
            matrices.forEach((quantity, matrix) -> expected.put(
                    name + "/" + quantity,
                    product(
                            matrix.getSubMatrix(start, start + size - 1, start, start + size - 1),
                            vectors.get(name).values())));
        }
        return expected;
    }

    /** The product with every row. */
    static double[] product(RealMatrix matrix, double[] rows) {
        int size = matrix.getColumnDimension();
        int count = rows.length / size;
        double[] products = new double[count * matrix.getRowDimension()];
        for (int row = 0; row < count; row++) {
            double[] vector = new double[size];
            System.arraycopy(rows, row * size, vector, 0, size);
            double[] product = matrix.operate(vector);
            System.arraycopy(product, 0, products, row * product.length, product.length);
        }
        return products;
    }
}
