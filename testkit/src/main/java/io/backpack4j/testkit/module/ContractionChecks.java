// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static io.backpack4j.spi.module.KroneckerConvention.EXPAND;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Compares derivatives with an oracle: every contraction alone, overwriting and accumulating, then all in one request.
 */
public final class ContractionChecks {

    private static final double OLD = 0.75;
    private static final int VECTORS = 2;
    private static final Operand OPERAND = new Operand("test", "operand");

    private final Backend backend;
    private final ParameterDerivatives derivatives;
    private final GradientOracle oracle;
    private final Random random;
    private final double tolerance;

    /** Prepares a comparison. */
    public ContractionChecks(
            Backend backend, ParameterDerivatives derivatives, GradientOracle oracle, Random random, double tolerance) {
        this.backend = backend;
        this.derivatives = derivatives;
        this.oracle = oracle;
        this.random = random;
        this.tolerance = tolerance;
    }

    /** Compares everything. */
    public void run() {
        List<Request> all = requests();
        for (Request request : all) {
            execute(List.of(request), false);
            execute(List.of(request), true);
        }
        execute(all, false);
        execute(all, true);
        for (int i = 0; i < 5; i++) {
            List<Request> some = new ArrayList<>(all);
            some.removeIf(request -> random.nextBoolean());
            execute(some, random.nextBoolean());
        }
        new HistogramChecks(backend, derivatives, random).run();
    }

    private record Request(
            Contraction contraction,
            double @Nullable [] operand,
            @Nullable Shape operandShape) {}

    private List<Request> requests() {
        int columns = oracle.columns();
        int samples = oracle.samples();
        List<Integer> chosen = new ArrayList<>(List.of(samples - 1, 0, 0));
        for (int i = 0; i < samples; i++) {
            chosen.add(i);
        }
        Shape weights = Shape.of(columns, samples);
        Shape manyWeights = weights.prepend(VECTORS);
        Shape vectors = oracle.parameter().prepend(VECTORS);
        List<Request> requests = new ArrayList<>();
        requests.add(new Request(new Contraction.PerSample(), null, null));
        requests.add(new Request(new Contraction.PerSample(Optional.of(chosen)), null, null));
        requests.add(new Request(new Contraction.Sum(), null, null));
        requests.add(new Request(new Contraction.Moments(), null, null));
        requests.add(new Request(new Contraction.SumOfSquares(), null, null));
        requests.add(new Request(new Contraction.SumOfSquares(), normal(weights), weights));
        requests.add(new Request(new Contraction.SumOfSquaresPerSample(), null, null));
        requests.add(new Request(new Contraction.SumOfSquaresPerSample(), normal(weights), weights));
        requests.add(new Request(new Contraction.SquaredNorms(), null, null));
        requests.add(new Request(new Contraction.Extremes(), null, null));
        requests.add(new Request(new Contraction.Trace(), null, null));
        requests.add(new Request(new Contraction.Trace(), normal(weights), weights));
        requests.add(new Request(new Contraction.DotWithSum(), null, null));
        Shape sums = oracle.parameter().prepend(columns);
        requests.add(new Request(new Contraction.DotWithSum(), normal(sums), sums));
        requests.add(new Request(new Contraction.CentredSquaredNorm(), null, null));
        requests.add(new Request(new Contraction.InnerProducts(true), null, null));
        requests.add(new Request(new Contraction.InnerProducts(false), null, null));
        requests.add(mapped(Optional.empty()));
        bases().forEach(sizes -> requests.add(mapped(Optional.of(sizes))));
        requests.add(new Request(new Contraction.OuterProducts(), null, null));
        requests.add(new Request(new Contraction.Dot(OPERAND, VECTORS), normal(vectors), vectors));
        requests.add(new Request(new Contraction.WeightedSum(OPERAND, VECTORS), normal(manyWeights), manyWeights));
        return requests;
    }

    private Request mapped(Optional<KroneckerSizes> bases) {
        Shape map = Contraction.MappedInnerProducts.mapShape(oracle.parameter(), bases);
        return new Request(new Contraction.MappedInnerProducts(OPERAND, bases), normal(map), map);
    }

    /** Sizes that the parameter's shape allows, whatever its own are. */
    private List<KroneckerSizes> bases() {
        Shape shape = oracle.parameter();
        List<KroneckerSizes> bases = new ArrayList<>();
        bases.add(KroneckerSizes.matrix(shape.elements(), 1));
        if (shape.rank() > 1) {
            long rows = shape.size(0);
            long others = shape.elements(1, shape.rank());
            bases.add(KroneckerSizes.matrix(rows, others));
            bases.add(KroneckerSizes.table(others, rows));
            bases.add(new KroneckerSizes(1, shape.size(1), others / shape.size(1) * rows, rows, EXPAND));
            bases.add(new KroneckerSizes(rows, 1, others, 1, EXPAND));
        }
        return bases;
    }

    private double[] normal(Shape shape) {
        return Randomness.normal(random, shape.elements());
    }

    private void execute(List<Request> requests, boolean accumulate) {
        try (TensorScope scope = backend.openScope()) {
            List<ContractionTask> tasks = new ArrayList<>();
            for (Request request : requests) {
                tasks.add(task(scope, request, accumulate));
            }
            long open = backend.memory().openTensors();
            derivatives.execute(tasks);
            if (backend.memory().openTensors() != open) {
                throw new AssertionError("Temporary tensors stayed open after " + tasks);
            }
            for (int i = 0; i < tasks.size(); i++) {
                compare(requests.get(i), tasks.get(i), requests.size());
            }
        }
    }

    private ContractionTask task(TensorScope scope, Request request, boolean accumulate) {
        List<Tensor> destinations = new ArrayList<>();
        List<Shape> shapes = request.contraction.shapes(oracle.columns(), oracle.samples(), oracle.parameter());
        for (Shape shape : shapes) {
            Tensor destination = scope.allocate(shape, DType.FLOAT64);
            backend.elementwise().fill(destination, OLD);
            destinations.add(destination);
        }
        Tensor operand = request.operand == null
                ? null
                : backend.upload(scope, Objects.requireNonNull(request.operandShape), DType.FLOAT64, request.operand);
        return new ContractionTask(request.contraction, destinations, operand, accumulate);
    }

    private void compare(Request request, ContractionTask task, int together) {
        List<double[]> expected = oracle.compute(request.contraction, request.operand);
        String what = "%s of V=%d, N=%d, %s, accumulate=%s, %d requests"
                .formatted(
                        request.contraction,
                        oracle.columns(),
                        oracle.samples(),
                        oracle.parameter(),
                        task.accumulate(),
                        together);
        for (int i = 0; i < expected.size(); i++) {
            double[] wanted = expected.get(i).clone();
            for (int j = 0; j < wanted.length; j++) {
                wanted[j] += task.accumulate() && !request.contraction.overwrites() ? OLD : 0;
            }
            Numbers.assertClose(what, task.destinations().get(i).toDoubleArray(), wanted, tolerance);
        }
    }
}
