// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.operators.ConjugateGradients.Column;
import io.backpack4j.operators.ConjugateGradients.Solution;
import io.backpack4j.operators.ConjugateGradients.Stop;
import io.backpack4j.operators.Hutchinson.DiagonalEstimate;
import io.backpack4j.operators.Hutchinson.Estimate;
import io.backpack4j.operators.Lanczos.Eigenpairs;
import io.backpack4j.operators.Lanczos.Eigenvalue;
import io.backpack4j.operators.Lanczos.Which;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Random symmetric systems of all kinds and scales: whatever a solver says of its result is true. {@code
 * -Dsolvers.systems=…} makes the search longer; a failure names its number, and {@code -Dsolvers.first=…} with the seed
 * starts there.
 */
class SolverSearchTest extends OperatorTestBase {

    private static final int SYSTEMS = Integer.getInteger("solvers.systems", 400);
    private static final int FIRST = Integer.getInteger("solvers.first", 0);

    /** Roundings that a product of 40 terms and the few steps around it may add up to. */
    private static final double ROUNDINGS = 60;

    private static int exponent(Random random, int most) {
        return random.nextInt(2 * most + 1) - most;
    }

    /** 1e-30 to 1e30, or 1e-150 to 1e150. */
    private static int widest(DType dtype) {
        return dtype == DType.FLOAT32 ? 99 : 498;
    }

    private Tensor upload(TensorScope target, DType dtype, double[]... rows) {
        double[] all = Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
        return backend.upload(target, Shape.of(rows.length, rows[0].length), dtype, all);
    }

    @Test
    void conjugateGradients() {
        Random seeds = new Random(random.nextLong());
        Map<Stop, Integer> stops = new EnumMap<>(Stop.class);
        int columns = 0;
        for (int number = 0; number < SYSTEMS; number++) {
            long seed = seeds.nextLong();
            if (number >= FIRST) {
                try (TensorScope inner = backend.openScope()) {
                    for (Column column : new Case(number, seed).check(inner).columns()) {
                        stops.merge(column.stop(), 1, Integer::sum);
                        columns++;
                    }
                }
            }
        }
        System.out.printf(
                "| conjugate gradients, %d systems with %d right-hand sides | %s |%n", SYSTEMS, columns, stops);
    }

    /** One system with everything that is drawn for it, at scale 1. */
    private final class Case {

        private final RandomSystem system;
        private final double[][] b;
        private final double[][] guess;
        private final double damping;
        private final double tolerance;
        private final double absoluteTolerance;
        private final int maxIterations;
        private final double[] preconditioner;
        private final boolean bounded;
        private final String name;

        /** Exponents of all scales. */
        private final int ofOperator;

        private final int ofRight;
        private final int ofPreconditioner;

        /** Whether nothing leaves the range in which the type rounds alike. */
        private final boolean exact;

        Case(int number, long seed) {
            Random draws = new Random(seed);
            this.system = new RandomSystem(draws, draws.nextBoolean() ? DType.FLOAT32 : DType.FLOAT64);
            int count = 1 + draws.nextInt(3);
            this.b = IntStream.range(0, count)
                    .mapToObj(v -> draws.nextInt(4) == 0 ? range(draws) : system.vector(draws))
                    .toArray(double[][]::new);
            if (draws.nextInt(10) == 0) {
                Arrays.fill(b[0], 0);
            }
            this.damping = draws.nextInt(3) == 0 ? system.held(Math.pow(10, -6 * draws.nextDouble())) : 0;
            this.tolerance = draws.nextInt(10) == 0
                    ? 0
                    : (system.dtype == DType.FLOAT32 ? 1e-6 : 1e-13) * Math.pow(10, 4 * draws.nextDouble());
            this.absoluteTolerance = draws.nextInt(10) == 0 ? 1e-3 : 0;
            this.maxIterations = draws.nextInt(4) == 0 ? 1 + draws.nextInt(20) : 1000;
            this.preconditioner = draws.nextInt(3) == 0
                    ? draws.doubles(system.size, 0.1, 1).map(system::held).toArray()
                    : new double[0];
            this.bounded = draws.nextInt(4) == 0;
            this.exact = draws.nextBoolean();
            int most = exact ? (system.dtype == DType.FLOAT32 ? 30 : 400) : widest(system.dtype);
            this.ofOperator = exponent(draws, most);
            this.ofRight = exponent(draws, most);
            this.ofPreconditioner = exponent(draws, most);
            // A guess is of the size of the solution, if the type can hold that.
            boolean guessed = draws.nextInt(3) == 0
                    && Math.abs(ofRight - ofOperator) < (system.dtype == DType.FLOAT32 ? 110 : 990);
            this.guess = guessed
                    ? IntStream.range(0, count)
                            .mapToObj(v -> system.vector(draws))
                            .toArray(double[][]::new)
                    : new double[0][];
            this.name = "system %d: %s, %d right-hand sides, damping %s, tolerance %s, scales 2^%d, 2^%d, 2^%d"
                    .formatted(number, system, count, damping, tolerance, ofOperator, ofRight, ofPreconditioner);
        }

        private double[] range(Random draws) {
            double[] product = system.product(system.vector(draws));
            return Arrays.stream(product).map(system::held).toArray();
        }

        Solution check(TensorScope target) {
            Solution plain = solve(target, 0, 0, 0, maxIterations);
            Solution scaled = solve(target, ofOperator, ofRight, ofPreconditioner, maxIterations);
            checkColumns(plain, 0, 0);
            checkColumns(scaled, ofOperator, ofRight);
            if (exact) {
                assertThat(scaled.x().toDoubleArray())
                        .as("the same digits at every scale, " + name)
                        .isEqualTo(RandomSystem.scaled(plain.x().toDoubleArray(), ofRight - ofOperator));
                for (int v = 0; v < b.length; v++) {
                    Column column = plain.columns().get(v);
                    assertThat(scaled.columns().get(v))
                            .as(name)
                            .isEqualTo(new Column(
                                    column.stop(), column.iterations(), Math.scalb(column.residualNorm(), ofRight)));
                }
            }
            checkFewerIterations(target, plain);
            return scaled;
        }

        private Solution solve(TensorScope target, int scale, int right, int inverse, int iterations) {
            ConjugateGradients solver = new ConjugateGradients(
                    Math.scalb(damping, scale),
                    tolerance,
                    Math.scalb(absoluteTolerance, right),
                    iterations,
                    java.util.Optional.empty());
            if (preconditioner.length > 0) {
                double[][] diagonal = new double[system.size][system.size];
                for (int i = 0; i < system.size; i++) {
                    diagonal[i][i] = Math.scalb(preconditioner[i], inverse);
                }
                solver = solver.preconditioner(new RandomSystem.Rounding(backend, system.dtype, diagonal));
            }
            if (bounded) {
                solver = solver.normBound(Math.scalb(1.5 * system.norm(), scale));
            }
            Tensor rights = upload(target, system.dtype, scaled(b, right));
            LinearOperator operator = system.operator(backend, scale);
            return guess.length == 0
                    ? solver.solve(target, operator, rights)
                    : solver.solve(
                            target, operator, rights, upload(target, system.dtype, scaled(guess, right - scale)));
        }

        private double[][] scaled(double[][] rows, int exponent) {
            return Arrays.stream(rows)
                    .map(row -> RandomSystem.scaled(row, exponent))
                    .toArray(double[][]::new);
        }

        /** b − (A + λI) x in units of scale 1, in double precision. */
        private double residual(double[] right, double[] x) {
            double[] rest = system.product(x);
            for (int i = 0; i < rest.length; i++) {
                rest[i] = right[i] - rest[i] - damping * x[i];
            }
            return RandomSystem.norm(rest);
        }

        private double rounding(double[] right, double[] x) {
            return ROUNDINGS
                    * system.precision()
                    * (RandomSystem.norm(right) + (system.norm() + damping) * RandomSystem.norm(x));
        }

        private void checkColumns(Solution solution, int scale, int right) {
            double[] all = solution.x().toDoubleArray();
            double norm = system.norm() + damping;
            for (int v = 0; v < b.length; v++) {
                Column column = solution.columns().get(v);
                String what = "right-hand side %d, %s, of %s".formatted(v, column, name);
                double[] held = Arrays.copyOfRange(all, v * system.size, (v + 1) * system.size);
                double[] x = RandomSystem.scaled(held, scale - right);
                double bNorm = RandomSystem.norm(b[v]);
                double rounding = rounding(b[v], x);
                double start = guess.length == 0 ? bNorm : residual(b[v], guess[v]) + rounding(b[v], guess[v]);
                double residual = residual(b[v], x);
                double said = Math.scalb(column.residualNorm(), -right);
                assertThat(held).as(what).doesNotContain(Double.NaN);
                assertThat(residual).as("residual of " + what).isLessThanOrEqualTo(start + rounding);
                assertThat(said).as("what is said of " + what).isBetween(residual - rounding, residual + rounding);
                boolean solved = said <= Math.max(tolerance * bNorm, absoluteTolerance) * (1 + 1e-12);
                assertThat(column.stop() == Stop.CONVERGED)
                        .as("converged: " + what)
                        .isEqualTo(solved);
                double smallest = system.eigenvalues[0] + damping;
                if (smallest > 2 * 100 * system.precision() * norm * (bounded ? 1.5 : 1)) {
                    assertThat(column.stop()).as(what).isNotEqualTo(Stop.NEGATIVE_CURVATURE);
                    // Far above what rounding allows, and of a size that the type holds.
                    double condition = norm / smallest;
                    double attainable = ROUNDINGS * system.precision() * condition;
                    int size = right - scale + Math.getExponent(bNorm / norm);
                    int largest = system.dtype == DType.FLOAT32 ? 120 : 1000;
                    if (tolerance > attainable
                            && maxIterations == 1000
                            && condition < 1e4
                            && Math.abs(size) + Math.getExponent(condition) + 24 < largest) {
                        assertThat(column.stop()).as(what).isEqualTo(Stop.CONVERGED);
                    }
                }
                double largestEigenvalue = system.eigenvalues[system.size - 1] + damping;
                if (largestEigenvalue < 0 && bNorm > 0 && column.iterations() > 0) {
                    assertThat(column.stop()).as(what).isEqualTo(Stop.NEGATIVE_CURVATURE);
                    assertThat(column.iterations()).as(what).isEqualTo(1);
                }
            }
        }

        /** The best one met is returned: more iterations do not make it worse. */
        private void checkFewerIterations(TensorScope target, Solution best) {
            for (int iterations : new int[] {1, 2, 4, 7}) {
                Solution fewer = solve(target, 0, 0, 0, Math.min(iterations, maxIterations));
                for (int v = 0; v < b.length; v++) {
                    double[] x = Arrays.copyOfRange(fewer.x().toDoubleArray(), v * system.size, (v + 1) * system.size);
                    assertThat(best.columns().get(v).residualNorm())
                            .as("right-hand side %d with %d iterations of %s", v, iterations, name)
                            .isLessThanOrEqualTo(Math.max(
                                    fewer.columns().get(v).residualNorm() + rounding(b[v], x),
                                    Math.max(tolerance * RandomSystem.norm(b[v]), absoluteTolerance)));
                }
            }
        }
    }

    @Test
    void lanczos() {
        Random seeds = new Random(random.nextLong());
        int converged = 0;
        for (int number = 0; number < SYSTEMS; number++) {
            long seed = seeds.nextLong();
            if (number >= FIRST) {
                try (TensorScope inner = backend.openScope()) {
                    converged += checkEigenvalues(inner, number, new Random(seed)) ? 1 : 0;
                }
            }
        }
        System.out.printf("| Lanczos, %d systems | %d converged |%n", SYSTEMS, converged);
    }

    private boolean checkEigenvalues(TensorScope target, int number, Random draws) {
        RandomSystem system = new RandomSystem(draws, draws.nextBoolean() ? DType.FLOAT32 : DType.FLOAT64);
        Which which = Which.values()[draws.nextInt(3)];
        boolean exact = draws.nextBoolean();
        int scale = exponent(draws, exact ? (system.dtype == DType.FLOAT32 ? 30 : 400) : widest(system.dtype));
        double tolerance = system.dtype == DType.FLOAT32 ? 1e-4 : 1e-9;
        Lanczos lanczos =
                Lanczos.of(which, 1 + draws.nextInt(6)).tolerance(tolerance).seed(draws.nextLong());
        if (draws.nextInt(4) == 0) {
            lanczos = lanczos.maxProducts(1 + draws.nextInt(30));
        }
        if (draws.nextInt(3) == 0) {
            lanczos = lanczos.dimension(lanczos.count() + 2 + draws.nextInt(10));
        }
        String name = "system %d: %s, %s, scale 2^%d".formatted(number, system, lanczos, scale);
        Eigenpairs plain = lanczos.run(target, system.operator(backend, 0));
        Eigenpairs scaled = lanczos.run(target, system.operator(backend, scale));
        checkEigenpairs(system, lanczos, plain, 0, name);
        checkEigenpairs(system, lanczos, scaled, scale, name);
        if (exact) {
            assertThat(scaled.vectors().toDoubleArray())
                    .as("the same digits at every scale, " + name)
                    .isEqualTo(plain.vectors().toDoubleArray());
            assertThat(scaled.values())
                    .as(name)
                    .isEqualTo(plain.values().stream()
                            .map(value -> new Eigenvalue(
                                    Math.scalb(value.value(), scale),
                                    Math.scalb(value.residualNorm(), scale),
                                    value.converged()))
                            .toList());
        }
        return scaled.converged();
    }

    private static void checkEigenpairs(
            RandomSystem system, Lanczos lanczos, Eigenpairs pairs, int scale, String name) {
        double rounding = ROUNDINGS * system.precision() * system.norm();
        int requested = Math.min(lanczos.count(), system.size);
        int found = pairs.values().size();
        assertThat(pairs.requested()).as(name).isEqualTo(requested);
        assertThat(pairs.iterations()).as(name).isLessThanOrEqualTo(Math.max(lanczos.maxProducts(), 1));
        assertThat(found).as(name).isEqualTo(Math.min(requested, Math.max(lanczos.maxProducts(), 0)));
        assertThat(pairs.complete()).as(name).isEqualTo(found == requested);
        double[] vectors = pairs.vectors().toDoubleArray();
        double[] expected = Arrays.stream(system.eigenvalues)
                .boxed()
                .sorted(
                        switch (lanczos.which()) {
                            case SMALLEST -> Comparator.naturalOrder();
                            case LARGEST -> Comparator.reverseOrder();
                            case LARGEST_MAGNITUDE ->
                                Comparator.<Double>comparingDouble(Math::abs).reversed();
                        })
                .mapToDouble(Double::doubleValue)
                .toArray();
        // In a space of all dimensions, everything is found.
        int dimension = lanczos.dimension().orElse(Math.max(2 * lanczos.count(), lanczos.count() + 20));
        boolean all = dimension >= system.size && lanczos.maxProducts() >= system.size;
        for (int i = 0; i < found; i++) {
            Eigenvalue pair = pairs.values().get(i);
            String what = "eigenvalue %d, %s, of %s".formatted(i, pair, name);
            double value = Math.scalb(pair.value(), -scale);
            double[] vector = Arrays.copyOfRange(vectors, i * system.size, (i + 1) * system.size);
            for (int j = 0; j <= i; j++) {
                double[] other = Arrays.copyOfRange(vectors, j * system.size, (j + 1) * system.size);
                assertThat(Math.abs(RandomSystem.dot(vector, other) - (i == j ? 1 : 0)))
                        .as("orthonormal: " + what)
                        .isLessThanOrEqualTo(ROUNDINGS * system.precision());
            }
            double[] rest = system.product(vector);
            for (int j = 0; j < rest.length; j++) {
                rest[j] -= value * vector[j];
            }
            double residual = RandomSystem.norm(rest);
            double said = Math.scalb(pair.residualNorm(), -scale);
            assertThat(said).as("what is said of " + what).isBetween(residual - rounding, residual + rounding);
            double nearest = Arrays.stream(system.eigenvalues)
                    .map(eigenvalue -> Math.abs(eigenvalue - value))
                    .min()
                    .orElseThrow();
            assertThat(nearest).as("an eigenvalue is that near: " + what).isLessThanOrEqualTo(residual + rounding);
            if (pair.converged()) {
                assertThat(residual)
                        .as("converged: " + what)
                        .isLessThanOrEqualTo(lanczos.tolerance() * system.norm() * 1.01 + rounding);
            }
            if (all) {
                assertThat(pair.converged()).as(what).isTrue();
                double right = lanczos.which() == Which.LARGEST_MAGNITUDE ? Math.abs(value) : value;
                double wanted = lanczos.which() == Which.LARGEST_MAGNITUDE ? Math.abs(expected[i]) : expected[i];
                assertThat(Math.abs(right - wanted)).as(what).isLessThanOrEqualTo(rounding);
            }
        }
    }

    @Test
    void hutchinson() {
        Random seeds = new Random(random.nextLong());
        for (int number = 0; number < SYSTEMS; number++) {
            long seed = seeds.nextLong();
            if (number >= FIRST) {
                try (TensorScope inner = backend.openScope()) {
                    checkEstimates(inner, number, new Random(seed));
                }
            }
        }
        System.out.printf("| Hutchinson, %d systems | right |%n", SYSTEMS);
    }

    /** Means and errors by their definitions, of the quadratic forms in double precision. */
    private void checkEstimates(TensorScope target, int number, Random draws) {
        RandomSystem system = new RandomSystem(draws, draws.nextBoolean() ? DType.FLOAT32 : DType.FLOAT64);
        Distribution distribution = Distribution.values()[draws.nextInt(2)];
        int scale = exponent(draws, widest(system.dtype));
        int samples = 2 + draws.nextInt(20);
        Hutchinson hutchinson = Hutchinson.of(samples)
                .distribution(distribution)
                .block(1 + draws.nextInt(8))
                .seed(draws.nextLong());
        String name = "system %d: %s, %s, scale 2^%d".formatted(number, system, hutchinson, scale);
        Tensor z = target.allocate(Shape.of(samples, system.size), system.dtype);
        Vectors.draw(
                backend,
                distribution,
                new io.backpack4j.spi.backend.RandomKey(hutchinson.seed(), 0, 0).stream("Hutchinson"),
                0,
                z);
        double[] all = z.toDoubleArray();
        double[] forms = new double[samples];
        double[][] terms = new double[system.size][samples];
        for (int s = 0; s < samples; s++) {
            double[] vector = Arrays.copyOfRange(all, s * system.size, (s + 1) * system.size);
            double[] product = system.product(vector);
            forms[s] = RandomSystem.dot(vector, product);
            for (int i = 0; i < system.size; i++) {
                terms[i][s] = vector[i] * product[i];
            }
        }
        double rounding = ROUNDINGS * system.precision() * system.norm() * 25;
        LinearOperator operator = system.operator(backend, scale);
        Estimate trace = hutchinson.trace(operator);
        close("trace", name, Math.scalb(trace.mean(), -scale), mean(forms), rounding * system.size);
        close("error", name, Math.scalb(trace.standardError(), -scale), error(forms), rounding * system.size);
        DiagonalEstimate diagonal = hutchinson.diagonal(target, operator);
        double[] means = RandomSystem.scaled(diagonal.mean().toDoubleArray(), -scale);
        double[] errors = RandomSystem.scaled(diagonal.standardError().toDoubleArray(), -scale);
        for (int i = 0; i < system.size; i++) {
            close("diagonal", name, means[i], mean(terms[i]), rounding);
            close("error of the diagonal", name, errors[i], error(terms[i]), rounding);
        }
    }

    private static void close(String what, String name, double actual, double expected, double tolerance) {
        assertThat(Math.abs(actual - expected))
                .as("%s, %s instead of %s, of %s", what, actual, expected, name)
                .isLessThanOrEqualTo(tolerance);
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow();
    }

    private static double error(double[] values) {
        double mean = mean(values);
        double squares = Arrays.stream(values)
                .map(value -> (value - mean) * (value - mean))
                .sum();
        return Math.sqrt(squares / (values.length - 1) / values.length);
    }
}
