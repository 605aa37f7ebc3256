// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.LongStream;

/**
 * Holds a module to {@link ParameterSpec#lookups}: ids ascend, and rows at their places are the whole of every sample's
 * gradient, of all samples and of some.
 */
final class LookupChecks {

    private static final int SAMPLES = 3;
    private static final int COLUMNS = 2;
    private static final double EXACT = 1e-12;
    private static final double GARBAGE = 7;
    private static final List<Optional<List<Integer>>> CHOICES =
            List.of(Optional.empty(), Optional.of(List.of(2, 0, 2)));

    private LookupChecks() {}

    static void run(ModuleCase it) {
        ModuleDeclaration declaration = it.module().declare(it.inputs());
        for (ParameterSpec spec : declaration.parameters()) {
            spec.lookups().ifPresent(rows -> check(it, declaration, spec, rows));
        }
    }

    private static void check(ModuleCase it, ModuleDeclaration declaration, ParameterSpec spec, long most) {
        Random random = Randomness.of(it.toString());
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            TestContext context = TestContext.of(backend, scope, SAMPLES);
            List<Tensor> inputs = new ArrayList<>();
            for (Shape shape : it.inputs()) {
                inputs.add(normal(backend, scope, random, shape.prepend(SAMPLES)));
            }
            Map<String, Tensor> parameters = new HashMap<>();
            for (ParameterSpec other : declaration.parameters()) {
                parameters.put(other.name(), normal(backend, scope, random, other.shape()));
            }
            Tensor cotangents =
                    normal(backend, scope, random, declaration.output().prepend(COLUMNS, SAMPLES));
            Pullback pullback =
                    it.module().evaluate(context, inputs, parameters).pullback(context, cotangents);
            ParameterDerivatives derivatives = pullback.parameter(spec.name());
            Tensor whole = scope.allocate(spec.shape().prepend(COLUMNS, SAMPLES), DType.FLOAT64);
            derivatives.perSample(new Block(0, COLUMNS, 0, SAMPLES), whole);
            for (Optional<List<Integer>> samples : CHOICES) {
                long[] ids = execute(scope, derivatives, new Contraction.LookedUpIds(most, samples))
                        .toLongArray();
                double[] rows = execute(scope, derivatives, new Contraction.LookedUpRows(most, samples))
                        .toDoubleArray();
                requireAscending(it + ", " + spec.name(), ids, (int) most);
                double[] expected = chosen(whole.toDoubleArray(), spec.shape(), samples.orElse(List.of(0, 1, 2)));
                double[] actual = expanded(ids, rows, spec.shape(), (int) most);
                Numbers.assertClose("rows of " + spec.name() + " in " + it, actual, expected, EXACT);
            }
        }
    }

    private static Tensor execute(TensorScope scope, ParameterDerivatives derivatives, Contraction contraction) {
        Shape shape =
                contraction.shapes(COLUMNS, SAMPLES, derivatives.parameter()).get(0);
        Tensor destination = scope.allocate(shape, contraction.resultType(DType.FLOAT64));
        if (destination.dtype() == DType.FLOAT64) {
            derivatives.backend().elementwise().fill(destination, GARBAGE);
        }
        derivatives.execute(List.of(new ContractionTask(contraction, List.of(destination), null, false)));
        return destination;
    }

    /** Behind the last id everything is −1. */
    private static void requireAscending(String what, long[] ids, int most) {
        for (int from = 0; from < ids.length; from += most) {
            long[] own = Arrays.copyOfRange(ids, from, from + most);
            long[] named = LongStream.of(own).filter(id -> id >= 0).toArray();
            assertThat(Arrays.copyOf(own, named.length)).as(what).isEqualTo(named);
            assertThat(Arrays.stream(own, named.length, most)).as(what).allMatch(id -> id == -1);
            assertThat(LongStream.of(named).sorted().distinct().toArray())
                    .as(what)
                    .isEqualTo(named);
        }
    }

    /** {@code [V, I, *p]} of rows {@code [V, I, K, *row]}; what has no id must be zero. */
    private static double[] expanded(long[] ids, double[] rows, Shape parameter, int most) {
        int width = (int) (parameter.elements() / parameter.size(0));
        int tableRows = (int) parameter.size(0);
        int samples = ids.length / most;
        double[] result = new double[COLUMNS * samples * tableRows * width];
        for (int row = 0; row < COLUMNS * samples * most; row++) {
            int sample = row / most;
            long id = ids[sample % samples * most + row % most];
            for (int i = 0; i < width; i++) {
                double value = rows[row * width + i];
                if (id < 0) {
                    assertThat(value).isZero();
                } else {
                    result[(sample * tableRows + (int) id) * width + i] = value;
                }
            }
        }
        return result;
    }

    private static double[] chosen(double[] whole, Shape parameter, List<Integer> samples) {
        int size = (int) parameter.elements();
        double[] result = new double[COLUMNS * samples.size() * size];
        for (int v = 0; v < COLUMNS; v++) {
            for (int i = 0; i < samples.size(); i++) {
                int source = (v * SAMPLES + samples.get(i)) * size;
                System.arraycopy(whole, source, result, (v * samples.size() + i) * size, size);
            }
        }
        return result;
    }

    private static Tensor normal(HeapBackend backend, TensorScope scope, Random random, Shape shape) {
        return backend.upload(scope, shape, DType.FLOAT64, Randomness.normal(random, shape.elements()));
    }
}
