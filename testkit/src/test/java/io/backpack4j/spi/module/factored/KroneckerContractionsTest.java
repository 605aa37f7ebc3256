// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.factored.RandomFactors.Sizes;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.testkit.Numbers;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class KroneckerContractionsTest {

    private static final double TOLERANCE = 1e-12;
    private static final double OLD = 0.5;

    /** A vector of group g at sample n (of a column) and position s. */
    private interface Entry {

        double at(int batch, int group, int position, int index);
    }

    static Stream<Sizes> sizes() {
        return FactoredParameterTest.sizes();
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void factorsAgreeWithTheirDefinitions(Sizes sizes) {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            RandomFactors factors = new RandomFactors(backend, scope, sizes, Randomness.of(sizes.toString()));
            KroneckerSizes kronecker =
                    new KroneckerSizes(sizes.groups(), sizes.rows(), sizes.width(), 1, KroneckerConvention.EXPAND);
            for (KroneckerConvention convention : KroneckerConvention.values()) {
                boolean joins = convention == KroneckerConvention.REDUCE;
                double s = sizes.positions();
                double scale = convention == KroneckerConvention.BACKPACK ? 1 : joins ? 1 / s / s : 1 / s;
                double[] input = products(
                        sizes.samples(),
                        sizes.groups(),
                        sizes.positions(),
                        sizes.width(),
                        joins,
                        scale,
                        factors::right);
                double[] output = products(
                        sizes.columns() * sizes.samples(),
                        sizes.groups(),
                        sizes.positions(),
                        sizes.rows(),
                        convention != KroneckerConvention.EXPAND,
                        1,
                        (b, g, t, i) -> factors.left(b / sizes.samples(), b % sizes.samples(), g, t, i));
                for (boolean accumulate : new boolean[] {false, true}) {
                    check(backend, factors, new Contraction.InputFactor(kronecker, convention), accumulate, input);
                    double[] quarter =
                            Arrays.stream(input).map(entry -> entry / 4).toArray();
                    var scaled = new Contraction.InputFactor(kronecker, convention).scaled(0.25);
                    check(backend, factors, scaled, accumulate, quarter);
                    check(backend, factors, new Contraction.OutputFactor(kronecker, convention), accumulate, output);
                }
            }
        }
    }

    private static void check(
            HeapBackend backend,
            RandomFactors factors,
            Contraction contraction,
            boolean accumulate,
            double[] expected) {
        try (TensorScope scope = backend.openScope()) {
            Shape shape = contraction.shapes(1, 1, factors.parameter()).get(0);
            Tensor destination = scope.allocate(shape, DType.FLOAT64);
            backend.elementwise().fill(destination, OLD);
            factors.derivatives()
                    .execute(List.of(new ContractionTask(contraction, List.of(destination), null, accumulate)));
            double[] wanted = expected.clone();
            for (int i = 0; i < wanted.length; i++) {
                wanted[i] += accumulate ? OLD : 0;
            }
            Numbers.assertClose(contraction.toString(), destination.toDoubleArray(), wanted, TOLERANCE);
        }
    }

    private static double[] products(
            int batch, int groups, int positions, int length, boolean joins, double scale, Entry entry) {
        double[] result = new double[groups * length * length];
        for (int b = 0; b < batch; b++) {
            for (int g = 0; g < groups; g++) {
                for (int s = 0; s < positions; s++) {
                    for (int t = 0; t < positions; t++) {
                        for (int i = 0; i < length * length && (joins || s == t); i++) {
                            result[g * length * length + i] +=
                                    scale * entry.at(b, g, s, i / length) * entry.at(b, g, t, i % length);
                        }
                    }
                }
            }
        }
        return result;
    }

    @Test
    void sizesFitTheParameter() {
        ParameterSpec spec = ParameterSpec.parameter("weight", Shape.of(3, 2), new Initializer.Constant(0));
        assertThatThrownBy(() -> spec.withKronecker(KroneckerSizes.matrix(3, 3)))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("Parameter 'weight' of shape [3, 2] has no Kronecker factors");
        assertThatThrownBy(() -> new KroneckerSizes(1, 2, 3, 2, KroneckerConvention.EXPAND))
                .hasMessageContaining("[InvalidArgument]");
    }
}
