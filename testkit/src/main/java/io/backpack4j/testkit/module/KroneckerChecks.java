// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
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

/**
 * The Kronecker factors that a module declares, against its per-sample gradients. With g = Σ_s d_s ⊗ a_s and all unit
 * vectors as cotangents, Σ g gᵀ is I ⊗ Σ_s a_s a_sᵀ; with any cotangents, the output side of joined positions is Σ g gᵀ
 * of the bias.
 */
final class KroneckerChecks {

    private static final int SAMPLES = 2;
    private static final long MOST = 2000;
    private static final double EXACT = 1e-10;

    private KroneckerChecks() {}

    static void run(ModuleCase it) {
        ModuleDeclaration declaration = it.module().declare(it.inputs());
        for (ParameterSpec spec : declaration.parameters()) {
            if (spec.kronecker().isPresent() && declaration.output().elements() <= MOST) {
                KroneckerSizes sizes = spec.kronecker().get();
                if (spec.shape().elements() <= MOST) {
                    inputSide(it, declaration, spec, sizes);
                }
                outputSide(it, declaration, spec, sizes);
            }
        }
    }

    @FunctionalInterface
    private interface Check {

        void accept(TensorScope scope, Pullback pullback);
    }

    private static void inputSide(
            ModuleCase it, ModuleDeclaration declaration, ParameterSpec spec, KroneckerSizes sizes) {
        int width = (int) declaration.output().elements();
        double[] units = new double[width * SAMPLES * width];
        for (int row = 0; row < width * SAMPLES; row++) {
            units[row * width + row / SAMPLES] = 1;
        }
        with(it, declaration, units, (scope, pullback) -> {
            ParameterDerivatives derivatives = pullback.parameter(spec.name());
            double[] products = execute(scope, derivatives, new Contraction.OuterProducts());
            // the scale must be heeded: passes divide by the number of samples with it
            Contraction half = new Contraction.InputFactor(sizes, KroneckerConvention.BACKPACK).scaled(0.5);
            double[] factor = Arrays.stream(execute(scope, derivatives, half))
                    .map(entry -> 2 * entry)
                    .toArray();
            double[] expected = new double[products.length];
            int elements = (int) spec.shape().elements();
            int inputs = (int) sizes.inputs();
            for (int group = 0; group < sizes.groups(); group++) {
                for (int output = 0; output < sizes.outputs(); output++) {
                    for (int i = 0; i < inputs; i++) {
                        for (int j = 0; j < inputs; j++) {
                            int row = place(sizes, group, output, i);
                            int column = place(sizes, group, output, j);
                            double entry = sizes.diagonalInputs()
                                    ? i == j ? factor[i] : 0
                                    : factor[(group * inputs + i) * inputs + j];
                            expected[row * elements + column] = entry;
                        }
                    }
                }
            }
            Numbers.assertClose("the input side of " + spec.name(), products, expected, EXACT);
        });
    }

    private static void outputSide(
            ModuleCase it, ModuleDeclaration declaration, ParameterSpec spec, KroneckerSizes sizes) {
        long channels = sizes.groups() * sizes.outputs();
        Optional<ParameterSpec> bias = declaration.parameters().stream()
                .filter(other -> other.name().equals("bias") && other.shape().equals(Shape.of(channels)))
                .findFirst();
        int width = (int) declaration.output().elements();
        double[] cotangents = Randomness.normal(Randomness.of("cotangents"), 3L * SAMPLES * width);
        with(it, declaration, cotangents, (scope, pullback) -> {
            ParameterDerivatives derivatives = pullback.parameter(spec.name());
            double[] joined =
                    execute(scope, derivatives, new Contraction.OutputFactor(sizes, KroneckerConvention.REDUCE));
            double[] apart =
                    execute(scope, derivatives, new Contraction.OutputFactor(sizes, KroneckerConvention.EXPAND));
            assertThat(apart).hasSameSizeAs(joined);
            double total = 0;
            for (double cotangent : cotangents) {
                total += cotangent * cotangent;
            }
            double trace = 0;
            int outputs = (int) sizes.outputs();
            for (int i = 0; i < sizes.groups() * outputs; i++) {
                trace += apart[i * outputs + i % outputs];
            }
            Numbers.assertClose("the trace of the output side", new double[] {trace}, new double[] {total}, EXACT);
            bias.ifPresent(found -> {
                double[] whole = execute(scope, pullback.parameter(found.name()), new Contraction.OuterProducts());
                double[] expected = new double[joined.length];
                for (int i = 0; i < expected.length; i++) {
                    int group = i / (outputs * outputs);
                    int row = group * outputs + i / outputs % outputs;
                    expected[i] = whole[row * (int) channels + group * outputs + i % outputs];
                }
                Numbers.assertClose("the output side of " + spec.name(), joined, expected, EXACT);
            });
        });
    }

    /** Where the entry of an output and an input of a group stands in the parameter. */
    private static int place(KroneckerSizes sizes, int group, int output, int input) {
        int inner = (int) (sizes.inputs() / sizes.leading());
        int leading = (int) sizes.leading();
        return ((group * leading + input / inner) * (int) sizes.outputs() + output) * inner + input % inner;
    }

    private static double[] execute(TensorScope scope, ParameterDerivatives derivatives, Contraction contraction) {
        Shape shape = contraction
                .shapes(derivatives.columns(), derivatives.samples(), derivatives.parameter())
                .get(0);
        Tensor destination = scope.allocate(shape, DType.FLOAT64);
        derivatives.execute(List.of(new ContractionTask(contraction, List.of(destination), null, false)));
        return destination.toDoubleArray();
    }

    private static void with(ModuleCase it, ModuleDeclaration declaration, double[] cotangents, Check check) {
        Random random = Randomness.of(it.toString());
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            TestContext context = TestContext.of(backend, scope, SAMPLES);
            List<Tensor> inputs = new ArrayList<>();
            for (Shape shape : it.inputs()) {
                inputs.add(normal(backend, scope, random, shape.prepend(SAMPLES)));
            }
            Map<String, Tensor> parameters = new HashMap<>();
            for (ParameterSpec spec : declaration.parameters()) {
                parameters.put(spec.name(), normal(backend, scope, random, spec.shape()));
            }
            Shape out = declaration.output().prepend(SAMPLES);
            Tensor columns =
                    backend.upload(scope, out.prepend(cotangents.length / out.elements()), DType.FLOAT64, cotangents);
            check.accept(
                    scope, it.module().evaluate(context, inputs, parameters).pullback(context, columns));
        }
    }

    private static Tensor normal(HeapBackend backend, TensorScope scope, Random random, Shape shape) {
        return backend.upload(scope, shape, DType.FLOAT64, Randomness.normal(random, shape.elements()));
    }
}
