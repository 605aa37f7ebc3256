// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.Evaluation;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Compares inner products of the gradients of two signals, of all samples and of some, with those of per-sample
 * gradients.
 */
public final class CrossInnerProductChecks {

    private static final double OLD = 0.75;
    private static final int SAMPLES = 4;

    private final Backend backend;
    private final double tolerance;

    /** Prepares comparisons. */
    public CrossInnerProductChecks(Backend backend, double tolerance) {
        this.backend = backend;
        this.tolerance = tolerance;
    }

    /** The trained parameters of a module, with three columns and with two, and of a parameter that two uses share. */
    static void run(ModuleCase it, DType dtype, double tolerance) {
        Random random = Randomness.of("inner products of two signals, " + it);
        try (HeapBackend backend = new HeapBackend();
                TensorScope scope = backend.openScope()) {
            ModuleDeclaration declaration = it.module().declare(it.inputs());
            List<Tensor> inputs = new ArrayList<>();
            for (Shape shape : it.inputs()) {
                inputs.add(normal(backend, scope, random, shape.prepend(SAMPLES), dtype));
            }
            Map<String, Tensor> parameters = new HashMap<>();
            for (ParameterSpec spec : declaration.parameters()) {
                double[] values = Randomness.normal(random, spec.shape().elements());
                double[] used = spec.trainable() ? values : Numbers.positive(values);
                parameters.put(spec.name(), backend.upload(scope, spec.shape(), spec.dtype(dtype), used));
            }
            long[] ids = LongStream.range(0, SAMPLES).toArray();
            var context = new TestContext(backend, scope, ids, new RandomKey(5, 0, 0));
            Evaluation evaluation = it.module().evaluate(context, inputs, parameters);
            List<Pullback> pullbacks = new ArrayList<>();
            for (int columns : new int[] {3, 2, 3}) {
                Shape shape = declaration.output().prepend(columns, SAMPLES);
                pullbacks.add(evaluation.pullback(context, normal(backend, scope, random, shape, dtype)));
            }
            var checks = new CrossInnerProductChecks(backend, tolerance);
            for (ParameterSpec spec : declaration.parameters()) {
                if (spec.trainable()) {
                    ParameterDerivatives left = pullbacks.get(0).parameter(spec.name());
                    ParameterDerivatives right = pullbacks.get(1).parameter(spec.name());
                    ParameterDerivatives other = pullbacks.get(2).parameter(spec.name());
                    checks.compare(it + " " + spec.name(), left, right);
                    checks.compare(
                            it + " " + spec.name() + ", tied", ParameterDerivatives.tied(List.of(left, other)), right);
                    checks.compare(
                            it + " " + spec.name() + ", both tied",
                            ParameterDerivatives.tied(List.of(left, other)),
                            ParameterDerivatives.tied(List.of(other, left)));
                }
            }
        }
    }

    private static Tensor normal(Backend backend, TensorScope scope, Random random, Shape shape, DType dtype) {
        return backend.upload(scope, shape, dtype, Randomness.normal(random, shape.elements()));
    }

    /** Compares those of two derivatives with each other, and of each with itself. */
    public void compare(String what, ParameterDerivatives left, ParameterDerivatives right) {
        int last = Math.toIntExact(left.samples()) - 1;
        var few = Optional.of(List.of(last, 0, last));
        var one = Optional.of(List.of(last / 2));
        for (CrossInnerProducts products : List.of(
                new CrossInnerProducts(false),
                new CrossInnerProducts(true),
                new CrossInnerProducts(false, few, Optional.empty()),
                new CrossInnerProducts(false, one, few),
                new CrossInnerProducts(true, few, few))) {
            compare(what, products, left, right);
            compare(what, products, right, left);
            compare(what, products, left, left);
        }
    }

    private void compare(
            String what, CrossInnerProducts products, ParameterDerivatives left, ParameterDerivatives right) {
        try (TensorScope scope = backend.openScope()) {
            Shape shape = products.shape(left.columns(), right.columns(), left.samples());
            Tensor destination = scope.allocate(shape, left.dtype());
            backend.elementwise().fill(destination, OLD);
            long open = backend.memory().openTensors();
            ParameterDerivatives lefts = selected(left, products.leftSubsampling());
            ParameterDerivatives rights = selected(right, products.rightSubsampling());
            ParameterDerivatives.addInnerProducts(lefts, rights, products.sameSample(), destination);
            String described = "%s of %s, V=%d, W=%d".formatted(products, what, left.columns(), right.columns());
            if (backend.memory().openTensors() != open) {
                throw new AssertionError("Temporary tensors stayed open after " + described);
            }
            double[] expected = expected(products, left, right);
            Numbers.assertClose(described, destination.toDoubleArray(), expected, tolerance);
        }
    }

    private static ParameterDerivatives selected(ParameterDerivatives all, Optional<List<Integer>> positions) {
        return positions.map(all::ofSamples).orElse(all);
    }

    /** By the definition, from all per-sample gradients. */
    private double[] expected(CrossInnerProducts products, ParameterDerivatives left, ParameterDerivatives right) {
        double[] lefts = gradients(left);
        double[] rights = gradients(right);
        int samples = Math.toIntExact(left.samples());
        List<Integer> all = IntStream.range(0, samples).boxed().toList();
        List<Integer> leftSamples = products.leftSubsampling().orElse(all);
        List<Integer> rightSamples = products.rightSubsampling().orElse(all);
        int columns = Math.toIntExact(left.columns());
        int others = Math.toIntExact(right.columns());
        int elements = Math.toIntExact(left.parameter().elements());
        boolean same = products.sameSample();
        double[] result = new double
                [Math.toIntExact(products.shape(columns, others, samples).elements())];
        for (int v = 0; v < columns; v++) {
            for (int n = 0; n < leftSamples.size(); n++) {
                for (int w = 0; w < others; w++) {
                    for (int m = same ? n : 0; m < (same ? n + 1 : rightSamples.size()); m++) {
                        int from = (v * samples + leftSamples.get(n)) * elements;
                        int other = (w * samples + rightSamples.get(m)) * elements;
                        double sum = OLD;
                        for (int i = 0; i < elements; i++) {
                            sum += lefts[from + i] * rights[other + i];
                        }
                        int index = same
                                ? (n * columns + v) * others + w
                                : (v * leftSamples.size() + n) * others * rightSamples.size()
                                        + w * rightSamples.size()
                                        + m;
                        result[index] = sum;
                    }
                }
            }
        }
        return result;
    }

    private double[] gradients(ParameterDerivatives derivatives) {
        try (TensorScope scope = backend.openScope()) {
            Shape shape = derivatives.parameter().prepend(derivatives.columns(), derivatives.samples());
            Tensor gradients = scope.allocate(shape, derivatives.dtype());
            derivatives.perSample(new Block(0, derivatives.columns(), 0, derivatives.samples()), gradients);
            return gradients.toDoubleArray();
        }
    }
}
