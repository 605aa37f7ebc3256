// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.it.oracle.DenseCurvature;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Products with whole matrices, cross blocks included, and with Jacobians, against dense ones on random networks. */
class LinearizationTest {

    private static final int NETWORKS = Integer.getInteger("backpack.it.networks", 40);
    private static final int VECTORS = 3;

    @ParameterizedTest
    @EnumSource
    void products_are_those_of_dense_matrices(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            for (int network = 0; network < NETWORKS; network++) {
                Problem problem = ProductsTest.problem(1000L + network);
                Random random = new Random(network);
                PassOptions split = PassOptions.DEFAULT
                        .chunk(1L + random.nextInt(problem.samples()))
                        .block(1L + random.nextInt(VECTORS));
                compare(setting, passes, problem, PassOptions.DEFAULT, random, Set.copyOf(problem.trained()));
                compare(setting, passes, problem, split, random, some(random, problem.trained()));
            }
        }
    }

    private static Set<String> some(Random random, List<String> names) {
        List<String> some = new ArrayList<>(names);
        while (some.size() > 1 && random.nextBoolean()) {
            some.remove(random.nextInt(some.size()));
        }
        return Set.copyOf(some);
    }

    private static Map<CurvatureMatrix, RealMatrix> matrices(DenseCurvature dense) {
        Map<CurvatureMatrix, RealMatrix> matrices = new LinkedHashMap<>();
        matrices.put(new CurvatureMatrix.GaussNewton(), dense.gaussNewton());
        matrices.put(new CurvatureMatrix.Hessian(), dense.hessian());
        matrices.put(new CurvatureMatrix.EmpiricalFisher(), dense.empiricalFisher());
        matrices.put(
                new CurvatureMatrix.PositiveCurvature(CurvatureMatrix.Projection.CLIP),
                dense.positiveCurvature(value -> Math.max(0, value)));
        matrices.put(
                new CurvatureMatrix.PositiveCurvature(CurvatureMatrix.Projection.ABS),
                dense.positiveCurvature(Math::abs));
        return matrices;
    }

    /** @param names the parameters that move, and those whose products are asked for */
    private static void compare(
            Setting setting, Passes passes, Problem problem, PassOptions options, Random random, Set<String> names) {
        DenseCurvature dense = new DenseCurvature(problem);
        Map<CurvatureMatrix, RealMatrix> matrices = matrices(dense);
        double[] vectors = random.doubles((long) VECTORS * dense.size(), -1, 1).toArray();
        passes.withModel(problem, (model, batch) -> {
            Backend backend = passes.backpack().backend();
            try (TensorScope scope = backend.openScope();
                    Linearization linearization =
                            passes.backpack().linearize(model, batch, matrices.keySet(), options, 0)) {
                Map<String, Tensor> tangents = upload(backend, scope, linearization, dense, vectors, names);
                double[] masked = join(dense, tangents);
                matrices.forEach((matrix, expected) -> {
                    Map<String, Tensor> products = zeros(backend, scope, linearization, names);
                    linearization.multiply(matrix, 1, tangents, products);
                    linearization.multiply(matrix, 0.5, tangents, products);
                    setting.assertClose(
                            matrix + " of " + problem.model(),
                            join(dense, products),
                            only(dense, problem, names, ProductsTest.product(expected.scalarMultiply(1.5), masked)));
                });
                compareJacobians(setting, backend, scope, linearization, dense, problem, names, tangents);
            }
        });
    }

    private static void compareJacobians(
            Setting setting,
            Backend backend,
            TensorScope scope,
            Linearization linearization,
            DenseCurvature dense,
            Problem problem,
            Set<String> names,
            Map<String, Tensor> tangents) {
        RealMatrix jacobian = dense.jacobian();
        Tensor outputs = scope.allocate(linearization.outputShape().prepend(VECTORS), linearization.dtype());
        linearization.pushforward(tangents, outputs);
        double[] expected = ProductsTest.product(jacobian, join(dense, tangents));
        setting.assertClose("Jacobian product of " + problem.model(), outputs.toDoubleArray(), expected);
        Map<String, Tensor> pulled = zeros(backend, scope, linearization, names);
        linearization.pullback(outputs, pulled);
        setting.assertClose(
                "transposed Jacobian product of " + problem.model(),
                join(dense, pulled),
                only(dense, problem, names, ProductsTest.product(jacobian.transpose(), expected)));
    }

    private static Map<String, Tensor> zeros(
            Backend backend, TensorScope scope, Linearization linearization, Set<String> names) {
        Map<String, Tensor> zeros = new LinkedHashMap<>();
        linearization.parameters().forEach((name, shape) -> {
            if (names.contains(name)) {
                Tensor zero = scope.allocate(shape.prepend(VECTORS), linearization.dtype());
                backend.elementwise().fill(zero, 0);
                zeros.put(name, zero);
            }
        });
        return zeros;
    }

    private static Map<String, Tensor> upload(
            Backend backend,
            TensorScope scope,
            Linearization linearization,
            DenseCurvature dense,
            double[] vectors,
            Set<String> names) {
        Map<String, Tensor> tensors = zeros(backend, scope, linearization, names);
        tensors.forEach((name, tensor) -> {
            int size = (int) (tensor.shape().elements() / VECTORS);
            for (int v = 0; v < VECTORS; v++) {
                tensor.write((long) v * size, vectors, v * dense.size() + dense.start(name), size);
            }
        });
        return tensors;
    }

    /** {@code [V, P]} in the oracle's order, zero for parameters that are not there. */
    private static double[] join(DenseCurvature dense, Map<String, Tensor> tensors) {
        double[] flat = new double[VECTORS * dense.size()];
        tensors.forEach((name, tensor) -> {
            double[] values = tensor.toDoubleArray();
            int size = values.length / VECTORS;
            for (int v = 0; v < VECTORS; v++) {
                System.arraycopy(values, v * size, flat, v * dense.size() + dense.start(name), size);
            }
        });
        return flat;
    }

    private static double[] only(DenseCurvature dense, Problem problem, Set<String> names, double[] flat) {
        double[] kept = flat.clone();
        for (String name : problem.trained()) {
            if (!names.contains(name)) {
                int size = problem.parameters().get(name).values().length;
                for (int v = 0; v < VECTORS; v++) {
                    int start = v * dense.size() + dense.start(name);
                    Arrays.fill(kept, start, start + size, 0);
                }
            }
        }
        return kept;
    }

    @Test
    void what_does_not_fit_is_told() {
        Problem problem = Networks.problem(
                new Random(1), Networks.model("MSELoss", "mean", Networks.linear("fc", 3, 2)), 4, new int[] {3}, 2);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            passes.withModel(problem, (model, batch) -> check(passes, model, batch));
        }
    }

    private static void check(Passes passes, Model model, Batch batch) {
        Backend backend = passes.backpack().backend();
        CurvatureMatrix ggn = new CurvatureMatrix.GaussNewton();
        try (TensorScope scope = backend.openScope()) {
            Linearization linearization = passes.backpack().linearize(model, batch, ggn);
            Tensor right = scope.allocate(Shape.of(2, 2, 3), linearization.dtype());
            Tensor wrong = scope.allocate(Shape.of(2, 3, 3), linearization.dtype());
            backend.elementwise().fill(right, 1);
            assertThatThrownBy(() ->
                            linearization.multiply(ggn, 1, Map.of("fc.weight", wrong), Map.of("fc.weight", right)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("fc.weight")
                    .hasMessageContaining("[2, 2, 3]");
            assertThatThrownBy(
                            () -> linearization.multiply(ggn, 1, Map.of("weight", right), Map.of("fc.weight", right)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("fc.weight, fc.bias");
            assertThatThrownBy(() -> linearization.multiply(
                            new CurvatureMatrix.Hessian(), 1, Map.of("fc.weight", right), Map.of("fc.weight", right)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("GaussNewton");
            assertThatThrownBy(() -> linearization.multiply(ggn, 1, Map.of(), Map.of("fc.weight", right)))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("MissingVectors");
            linearization.close();
            assertThatThrownBy(() -> linearization.pushforward(Map.of("fc.weight", right), right))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("closed");
        }
        assertThat(model.parameters().trainable()).hasSize(2);
    }
}
