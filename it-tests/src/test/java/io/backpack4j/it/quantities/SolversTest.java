// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static io.backpack4j.it.quantities.OperatorCases.flat;
import static io.backpack4j.it.quantities.OperatorCases.matrix;
import static io.backpack4j.it.quantities.OperatorCases.normal;
import static io.backpack4j.it.quantities.OperatorCases.places;
import static io.backpack4j.it.quantities.OperatorCases.withBatches;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.it.oracle.DenseCurvature;
import io.backpack4j.it.oracle.Numbers;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Results;
import io.backpack4j.operators.ConjugateGradients;
import io.backpack4j.operators.ConjugateGradients.Solution;
import io.backpack4j.operators.GgnOperator;
import io.backpack4j.operators.Hutchinson;
import io.backpack4j.operators.Lanczos;
import io.backpack4j.operators.Lanczos.Eigenvalue;
import io.backpack4j.operators.LinearOperator;
import io.backpack4j.operators.Objective;
import io.backpack4j.operators.ParameterLayout;
import io.backpack4j.operators.Preconditioners;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.BiConsumer;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is calculated from products with the Gauss-Newton matrices of networks, against dense ones. */
class SolversTest {

    private static final int VECTORS = 3;
    private static final double DAMPING = 1e-2;

    /** What is done with the Gauss-Newton matrix of a network, and the dense one in its layout. */
    private static void withGgn(int batches, BiConsumer<GgnOperator, RealMatrix> use) {
        Problem problem = Networks.residual("CrossEntropyLoss", "mean", 12);
        DenseCurvature dense = new DenseCurvature(problem);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            withBatches(passes, problem, batches, objective -> {
                try (GgnOperator ggn = GgnOperator.exact(objective)) {
                    int[] places = places(dense, ggn.layout());
                    use.accept(ggn, dense.gaussNewton().getSubMatrix(places, places));
                }
            });
        }
    }

    private static RealMatrix damped(RealMatrix matrix) {
        return matrix.add(
                MatrixUtils.createRealIdentityMatrix(matrix.getRowDimension()).scalarMultiply(DAMPING));
    }

    @Test
    void damped_systems_are_solved() {
        for (int batches : new int[] {1, 3}) {
            withGgn(batches, (ggn, dense) -> {
                try (TensorScope scope = ggn.backend().openScope()) {
                    Tensor b = normal(scope, ggn, VECTORS, new Random(5));
                    Solution solution = ConjugateGradients.DEFAULT
                            .damping(DAMPING)
                            .tolerance(1e-8)
                            .solve(scope, ggn, b);
                    assertThat(solution.converged()).isTrue();
                    RealMatrix rest = matrix(b).subtract(matrix(solution.x()).multiply(damped(dense)));
                    for (int v = 0; v < VECTORS; v++) {
                        // The dense matrix has roundings of its own.
                        assertThat(rest.getRowVector(v).getNorm())
                                .isLessThan(1.1e-8 * matrix(b).getRowVector(v).getNorm());
                    }
                    RealMatrix expected = new LUDecomposition(damped(dense))
                            .getSolver()
                            .solve(matrix(b).transpose());
                    assertThat(flat(matrix(solution.x()).subtract(expected.transpose())))
                            .as("1e-8 · ‖b‖ / λ")
                            .usingComparatorWithPrecision(1e-5)
                            .containsOnly(0);
                }
            });
        }
    }

    /**
     * Inputs of very different size, and curvature of full rank: with less rank than parameters, plain iterations are
     * as few as the rank.
     */
    private static Problem badlyScaled() {
        Random random = new Random(11);
        ModelDescription model = Networks.model(
                "MSELoss",
                "mean",
                Networks.linear("0", 6, 5),
                Networks.node("1", "Tanh", Map.of()),
                Networks.linear("2", 5, 3));
        Problem problem = Networks.problem(random, model, 80, new int[] {6}, 3);
        double[] inputs = problem.inputs().get("input").values().clone();
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] *= Math.pow(4, i % 6 - 5);
        }
        Numbers scaled = new Numbers(new int[] {80, 6}, inputs);
        return new Problem(model, Map.of("input", scaled), problem.targets(), problem.parameters());
    }

    @Test
    void preconditioners_of_extensions_save_iterations() {
        KFLR kflr = new KFLR();
        DiagGGNExact diagonal = new DiagGGNExact();
        double damping = 1e-7;
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            passes.withModel(badlyScaled(), (model, batch) -> {
                try (GgnOperator ggn = GgnOperator.exact(Objective.of(passes.backpack(), model, batch));
                        Results results = passes.backpack().compute(model, batch, kflr, diagonal);
                        TensorScope scope = ggn.backend().openScope()) {
                    ParameterLayout layout = ggn.layout();
                    Map<String, Preconditioners.Block> blocks = new LinkedHashMap<>();
                    Map<String, Tensor> diagonals = new LinkedHashMap<>();
                    for (String name : layout.names()) {
                        blocks.put(name, results.get(kflr, name).dampedInverse(scope, damping)::multiply);
                        diagonals.put(name, results.get(diagonal, name));
                    }
                    Tensor b = normal(scope, ggn, 1, new Random(6));
                    ConjugateGradients plain =
                            ConjugateGradients.DEFAULT.damping(damping).tolerance(1e-8);
                    LinearOperator kronecker = Preconditioners.blockDiagonal(layout, blocks);
                    LinearOperator scaled = Preconditioners.diagonal(scope, layout, diagonals, damping);
                    int without = iterations(plain, scope, ggn, b);
                    int withKronecker = iterations(plain.preconditioner(kronecker), scope, ggn, b);
                    int withDiagonal = iterations(plain.preconditioner(scaled), scope, ggn, b);
                    System.out.printf(
                            "Iterations: %d without, %d with Kronecker factors, %d with a diagonal%n",
                            without, withKronecker, withDiagonal);
                    assertThat(withKronecker).isLessThan(without / 2);
                    assertThat(withDiagonal).isLessThan(without / 2);
                }
            });
        }
    }

    private static int iterations(ConjugateGradients solver, TensorScope scope, LinearOperator operator, Tensor b) {
        Solution solution = solver.solve(scope, operator, b);
        assertThat(solution.converged()).as(solution.columns().toString()).isTrue();
        return solution.columns().get(0).iterations();
    }

    /**
     * One draw per sample gives a matrix of rank 16 at most, and the gradient is not in its range: there is no
     * solution. What is returned is no worse than zero, and of a moderate size.
     */
    @ParameterizedTest
    @EnumSource
    void gradients_out_of_range_do_no_harm(Setting setting) {
        for (int seed = 0; seed < 5; seed++) {
            Random random = new Random(seed);
            ModelDescription model = Networks.model(
                    "CrossEntropyLoss",
                    "mean",
                    Networks.linear("0", 10, 8),
                    Networks.node("1", seed % 2 == 0 ? "Tanh" : "ReLU", Map.of()),
                    Networks.linear("2", 8, 4));
            Problem problem = Networks.problem(random, model, 16, new int[] {10}, 4);
            try (Passes passes = new Passes(setting)) {
                passes.withModel(problem, (trained, batch) -> {
                    try (GgnOperator ggn = GgnOperator.sampled(Objective.of(passes.backpack(), trained, batch), 1);
                            Results results = passes.backpack().compute(trained, batch);
                            TensorScope scope = ggn.backend().openScope()) {
                        Map<String, Tensor> parts = new LinkedHashMap<>();
                        for (String name : ggn.layout().names()) {
                            Tensor part = results.gradient(name);
                            parts.put(name, scope.view(part, part.shape().prepend(1)));
                        }
                        Tensor gradient = scope.allocate(Shape.of(1, ggn.columns()), ggn.dtype());
                        ggn.layout().join(parts, gradient);
                        Solution solution = ConjugateGradients.DEFAULT.solve(scope, ggn, gradient);
                        Tensor product = scope.allocate(gradient.shape(), ggn.dtype());
                        ggn.multiply(solution.x(), product);
                        double right = matrix(gradient).getFrobeniusNorm();
                        double residual =
                                matrix(gradient).subtract(matrix(product)).getFrobeniusNorm();
                        assertThat(residual).isLessThanOrEqualTo(right);
                        ConjugateGradients.Column column = solution.columns().get(0);
                        assertThat(column.residualNorm()).isCloseTo(residual, within(1e-5 * right));
                        assertThat(column.stop()).isEqualTo(ConjugateGradients.Stop.NEGATIVE_CURVATURE);
                        assertThat(matrix(solution.x()).getFrobeniusNorm()).isLessThan(1e3);
                        Solution damped = ConjugateGradients.DEFAULT
                                .damping(0.01)
                                .tolerance(1e-5)
                                .solve(scope, ggn, gradient);
                        assertThat(damped.converged()).isTrue();
                    }
                });
            }
        }
    }

    @Test
    void extreme_eigenvalues_and_traces_are_those_of_dense_matrices() {
        withGgn(2, (ggn, dense) -> {
            double[] eigenvalues = new EigenDecomposition(dense).getRealEigenvalues();
            Arrays.sort(eigenvalues);
            int size = eigenvalues.length;
            try (TensorScope scope = ggn.backend().openScope()) {
                var pairs = Lanczos.of(Lanczos.Which.LARGEST, 4).tolerance(1e-9).run(scope, ggn);
                assertThat(pairs.converged()).isTrue();
                for (int i = 0; i < 4; i++) {
                    assertThat(pairs.values().get(i).value())
                            .isCloseTo(eigenvalues[size - 1 - i], within(1e-9 * eigenvalues[size - 1]));
                }
                // Positive semidefinite: nothing is below zero.
                Eigenvalue smallest = Lanczos.of(Lanczos.Which.SMALLEST, 1)
                        .run(scope, ggn)
                        .values()
                        .get(0);
                assertThat(smallest.value()).isCloseTo(0, within(1e-6 * eigenvalues[size - 1]));
            }
            Hutchinson.Estimate trace = Hutchinson.of(200).trace(ggn);
            assertThat(trace.mean()).isCloseTo(dense.getTrace(), within(4 * trace.standardError()));
            assertThat(trace.standardError()).isLessThan(0.2 * dense.getTrace());
        });
    }

    @Test
    void repeated_products_take_no_new_memory() {
        for (int batches : new int[] {1, 2}) {
            withGgn(batches, (ggn, dense) -> {
                Backend backend = ggn.backend();
                long allocations = 0;
                for (int round = 0; round < 5; round++) {
                    try (TensorScope scope = backend.openScope()) {
                        Tensor b = normal(scope, ggn, 2, new Random(5));
                        ConjugateGradients.DEFAULT.damping(DAMPING).solve(scope, ggn, b);
                    }
                    if (round == 2) {
                        allocations = backend.memory().systemAllocations();
                    }
                }
                assertThat(backend.memory().systemAllocations()).isEqualTo(allocations);
            });
        }
    }
}
