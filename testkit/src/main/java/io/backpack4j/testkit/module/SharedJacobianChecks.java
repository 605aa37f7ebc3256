// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.KroneckerConvention;
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
import java.util.Objects;
import java.util.Random;

/**
 * Holds a module to {@link ModuleDeclaration#sharesJacobian}: cotangents that are the same for all samples come back
 * the same for all of them, whatever their inputs, and output sides of Kronecker factors do not change with the inputs.
 */
final class SharedJacobianChecks {

    private static final int SAMPLES = 3;
    private static final int COLUMNS = 2;
    private static final double EXACT = 1e-12;

    private final ModuleCase it;
    private final ModuleDeclaration declaration;
    private final Random random;
    private final Map<String, double[]> parameters = new HashMap<>();
    private final double[] cotangents;

    private SharedJacobianChecks(ModuleCase it, ModuleDeclaration declaration) {
        this.it = it;
        this.declaration = declaration;
        this.random = Randomness.of(it.toString());
        for (ParameterSpec spec : declaration.parameters()) {
            double[] values = Randomness.normal(random, spec.shape().elements());
            parameters.put(spec.name(), spec.trainable() ? values : Numbers.positive(values));
        }
        int elements = (int) declaration.output().elements();
        double[] ofColumns = Randomness.normal(random, (long) COLUMNS * elements);
        this.cotangents = new double[COLUMNS * SAMPLES * elements];
        for (int row = 0; row < COLUMNS * SAMPLES; row++) {
            System.arraycopy(ofColumns, row / SAMPLES * elements, cotangents, row * elements, elements);
        }
    }

    /** Checks a module that says so. */
    static void run(ModuleCase it) {
        ModuleDeclaration declaration = it.module().declare(it.inputs());
        if (declaration.sharesJacobian()) {
            SharedJacobianChecks checks = new SharedJacobianChecks(it, declaration);
            Map<String, double[]> first = checks.outputSides();
            Map<String, double[]> second = checks.outputSides();
            assertThat(second.keySet()).isEqualTo(first.keySet());
            second.forEach((name, values) -> Numbers.assertClose(
                    it + ", " + name + " with other inputs", values, Objects.requireNonNull(first.get(name)), EXACT));
        }
    }

    /** Checks derivatives at fresh inputs, and returns the output sides there. */
    private Map<String, double[]> outputSides() {
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            TestContext context = TestContext.of(backend, scope, SAMPLES);
            List<Tensor> inputs = new ArrayList<>();
            for (Shape shape : it.inputs()) {
                double[] values = Randomness.normal(random, SAMPLES * shape.elements());
                inputs.add(backend.upload(scope, shape.prepend(SAMPLES), DType.FLOAT64, values));
            }
            Map<String, Tensor> uploaded = new HashMap<>();
            for (ParameterSpec spec : declaration.parameters()) {
                double[] values = Objects.requireNonNull(parameters.get(spec.name()));
                uploaded.put(spec.name(), backend.upload(scope, spec.shape(), spec.dtype(DType.FLOAT64), values));
            }
            Tensor given =
                    backend.upload(scope, declaration.output().prepend(COLUMNS, SAMPLES), DType.FLOAT64, cotangents);
            Pullback pullback = it.module().evaluate(context, inputs, uploaded).pullback(context, given);
            for (int input = 0; input < inputs.size(); input++) {
                requireSame(
                        "cotangents of input " + input, pullback.input(input).toDoubleArray());
            }
            return outputSides(scope, pullback);
        }
    }

    private Map<String, double[]> outputSides(TensorScope scope, Pullback pullback) {
        Map<String, double[]> sides = new HashMap<>();
        for (ParameterSpec spec : declaration.parameters()) {
            if (!spec.trainable()) {
                continue;
            }
            ParameterDerivatives derivatives = pullback.parameter(spec.name());
            if (spec.kronecker().isEmpty()) {
                Tensor gradients = scope.allocate(spec.shape().prepend(COLUMNS, SAMPLES), DType.FLOAT64);
                derivatives.perSample(new Block(0, COLUMNS, 0, SAMPLES), gradients);
                requireSame("gradients of " + spec.name(), gradients.toDoubleArray());
            } else {
                for (KroneckerConvention convention : KroneckerConvention.values()) {
                    Contraction side =
                            new Contraction.OutputFactor(spec.kronecker().get(), convention);
                    Tensor destination = scope.allocate(
                            side.shapes(COLUMNS, SAMPLES, spec.shape()).get(0), DType.FLOAT64);
                    derivatives.execute(List.of(new ContractionTask(side, List.of(destination), null, false)));
                    sides.put(convention + " output side of " + spec.name(), destination.toDoubleArray());
                }
            }
        }
        return sides;
    }

    /** @param values {@code [V, N, *]} */
    private void requireSame(String what, double[] values) {
        int size = values.length / (COLUMNS * SAMPLES);
        for (int column = 0; column < COLUMNS; column++) {
            double[] first = row(values, column * SAMPLES, size);
            for (int sample = 1; sample < SAMPLES; sample++) {
                double[] other = row(values, column * SAMPLES + sample, size);
                Numbers.assertClose("%s, %s of sample %d".formatted(it, what, sample), other, first, EXACT);
            }
        }
    }

    private static double[] row(double[] values, int row, int size) {
        return Arrays.copyOfRange(values, row * size, (row + 1) * size);
    }
}
