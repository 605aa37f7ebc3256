// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The block G ⊗ A of a parameter's curvature, per group of a grouped weight, or G alone for a parameter without an
 * input side. Owns nothing: the factors belong to the results of the pass, and what is computed here belongs to the
 * scope that is given.
 *
 * <p>Vectors have the shape {@code [K, *p]}, any K, {@code *p} being the parameter's.
 */
public final class KroneckerFactors implements CurvatureBlock {

    /** A dense block takes the square of the parameter's elements. */
    private static final long MOST_DENSE = 1 << 15;

    private final Backend backend;
    private final Shape parameter;
    private final KroneckerSizes sizes;
    private final Tensor output;
    private final Optional<Tensor> input;
    private volatile @Nullable ScaledProducts scaled;

    private KroneckerFactors(
            Backend backend, Shape parameter, KroneckerSizes sizes, Tensor output, Optional<Tensor> input) {
        this.backend = backend;
        this.parameter = parameter;
        this.sizes = sizes;
        this.output = output;
        this.input = input;
    }

    /**
     * Two factors.
     *
     * @param parameter the parameter's shape
     * @param output {@code [O, O]}, or {@code [G, O, O]} with several groups
     * @param input {@code [I, I]}, {@code [G, I, I]} with several groups, or {@code [I]} if {@code sizes} say that it
     *     is diagonal
     */
    public static KroneckerFactors of(
            Backend backend, Shape parameter, KroneckerSizes sizes, Tensor output, Tensor input) {
        return new KroneckerFactors(backend, parameter, sizes, output, Optional.of(input));
    }

    /**
     * One factor.
     *
     * @param parameter the parameter's shape
     * @param block {@code [P, P]}
     */
    public static KroneckerFactors block(Backend backend, Shape parameter, Tensor block) {
        KroneckerSizes sizes = new KroneckerSizes(1, parameter.elements(), 1, 1, KroneckerConvention.EXPAND);
        return new KroneckerFactors(backend, parameter, sizes, block, Optional.empty());
    }

    /** Of tensors under the names of result files. */
    static KroneckerFactors of(CurvatureExtension.Site site, Map<String, Tensor> tensors) {
        Tensor output = Objects.requireNonNull(tensors.get("0"), site.parameter());
        Tensor input = tensors.get("1");
        return input == null
                ? block(site.backend(), site.shape(), output)
                : of(site.backend(), site.shape(), site.kronecker().orElseThrow(), output, input);
    }

    /** The parameter's shape. */
    @Override
    public Shape parameter() {
        return parameter;
    }

    /** G: {@code [O, O]}, or {@code [G, O, O]} with several groups. */
    public Tensor output() {
        return output;
    }

    /**
     * A: {@code [I, I]}, {@code [G, I, I]} with several groups, or its diagonal {@code [I]} where the rest is zero;
     * nothing for a parameter without an input side.
     */
    public Optional<Tensor> input() {
        return input;
    }

    /** The factors under the names of result files: 0 is the output side, 1 the input side. */
    @Override
    public Map<String, Tensor> tensors() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("0", output);
        input.ifPresent(factor -> tensors.put("1", factor));
        return tensors;
    }

    /**
     * (G ⊗ A) · vectors. Factors of very large or small numbers are scaled on the way, so that nothing in between
     * overflows or vanishes. The first call asks the backend for the size of the factors' numbers.
     */
    @Override
    public Tensor multiply(TensorScope target, Tensor vectors) {
        long count = Blocks.checkVectors(parameter, vectors);
        Tensor result = target.allocate(vectors.shape(), vectors.dtype());
        try (TensorScope scope = backend.openScope()) {
            Tensor rows = outputsFirst(scope, vectors, count);
            Tensor products = scope.allocate(matrices(count), vectors.dtype());
            if (input.isPresent() && sizes.diagonalInputs()) {
                scaledProducts().multiplyByDiagonal(outputFactor(scope), rows, input.get(), products);
            } else if (input.isPresent()) {
                scaledProducts().multiply(outputFactor(scope), rows, inputFactor(scope), products);
            } else {
                backend.products().multiply(outputFactor(scope), false, rows, false, 1, 0, products);
            }
            back(scope, products, count, result);
        }
        return result;
    }

    /** What products need to know of the factors, which is asked once. */
    private ScaledProducts scaledProducts() {
        ScaledProducts known = scaled;
        if (known == null) {
            known = ScaledProducts.of(backend, output, input.orElseThrow());
            scaled = known;
        }
        return known;
    }

    /**
     * G ⊗ A in full, {@code [P, P]}.
     *
     * @throws BackpackException if the parameter has too many elements
     */
    public Tensor dense(TensorScope target) {
        long size = parameter.elements();
        if (size > MOST_DENSE) {
            throw new BackpackException(
                    CommonProblems.TOO_LARGE,
                    "The dense block of a parameter with %d elements has %d rows and as many columns; at most %d are made. Use multiply."
                            .formatted(size, size, MOST_DENSE));
        }
        Tensor dense = target.allocate(Shape.of(size, size), output.dtype());
        backend.elementwise().fill(dense, 0);
        long outputs = sizes.outputs();
        long leading = sizes.leading();
        long inner = sizes.inputs() / leading;
        Region all = Region.all(dense.shape());
        for (long group = 0; group < sizes.groups(); group++) {
            try (TensorScope scope = backend.openScope()) {
                long rows = outputs * sizes.inputs();
                Tensor left = scope.view(group(scope, output, group), Shape.of(outputs, 1, outputs, 1));
                Tensor block = scope.view(left, Shape.of(outputs, outputs));
                if (input.isPresent()) {
                    Tensor right = scope.view(
                            group(scope, denseInput(scope), group), Shape.of(1, sizes.inputs(), 1, sizes.inputs()));
                    Tensor products =
                            scope.allocate(Shape.of(outputs, sizes.inputs(), outputs, sizes.inputs()), dense.dtype());
                    backend.elementwise().combine(BinaryOperation.MULTIPLY, left, right, products);
                    block = products;
                }
                if (leading > 1) {
                    Tensor ordered =
                            scope.allocate(Shape.of(leading, outputs, inner, leading, outputs, inner), dense.dtype());
                    Tensor byOutput = scope.view(block, Shape.of(outputs, leading, inner, outputs, leading, inner));
                    backend.indexing().permute(byOutput, new int[] {1, 0, 2, 4, 3, 5}, ordered);
                    block = ordered;
                }
                Region region = all.with(0, group * rows, rows).with(1, group * rows, rows);
                backend.indexing().insert(scope.view(block, Shape.of(rows, rows)), region, dense);
            }
        }
        return dense;
    }

    /** The eigenvalues and eigenvectors of both factors. */
    public KroneckerEigen eigendecomposition(TensorScope target) {
        Tensor outputValues =
                target.allocate(output.shape().slice(0, output.shape().rank() - 1), output.dtype());
        Tensor outputVectors = target.allocate(output.shape(), output.dtype());
        backend.decompositions().symmetricEigen(output, outputValues, outputVectors);
        if (input.isEmpty()) {
            return new KroneckerEigen(outputValues, outputVectors, Optional.empty(), Optional.empty());
        }
        return eigendecomposition(target, outputValues, outputVectors);
    }

    private KroneckerEigen eigendecomposition(TensorScope target, Tensor outputValues, Tensor outputVectors) {
        Tensor factor = denseInput(target);
        Tensor inputValues =
                target.allocate(factor.shape().slice(0, factor.shape().rank() - 1), factor.dtype());
        Tensor inputVectors = target.allocate(factor.shape(), factor.dtype());
        backend.decompositions().symmetricEigen(factor, inputValues, inputVectors);
        return new KroneckerEigen(outputValues, outputVectors, Optional.of(inputValues), Optional.of(inputVectors));
    }

    /**
     * The inverse of the damped block (G + √λ/π I) ⊗ (A + π√λ I), as Kronecker factors; (G + λ I)⁻¹ with one factor. π²
     * = (tr A / dim A) / (tr G / dim G), per group, gives both sides an equal share (Martens and Grosse 2015, section
     * 6.3); 1 where a trace is not positive.
     *
     * <p>Takes the memory of the result, and what the backend's decompositions need.
     *
     * @param damping λ, at least 0
     * @throws BackpackException {@code NotPositiveDefinite} if a damped factor is not positive definite, or would not
     *     be were it not for rounding; {@code NotFinite} if a factor or its inverse is beyond the numbers of its type
     */
    @Override
    public KroneckerFactors dampedInverse(TensorScope target, double damping) {
        Blocks.checkDamping(damping);
        if (input.isEmpty()) {
            Tensor inverse = new FactorInverses(backend).inverse(target, output, damping);
            return new KroneckerFactors(backend, parameter, sizes, inverse, input);
        }
        FactorInverses inverses = new FactorInverses(backend);
        Tensor factor = input.get();
        double[] ofOutput = inverses.means(output);
        double[] ofInput = sizes.diagonalInputs()
                ? new double[] {new DiagonalFactor(backend, factor).mean()}
                : inverses.means(factor);
        double root = Math.sqrt(damping);
        for (int group = 0; group < ofOutput.length; group++) {
            double perOutput = Math.sqrt(ofOutput[group]);
            double perInput = Math.sqrt(ofInput[group]);
            boolean split = perOutput > 0 && perInput > 0;
            ofOutput[group] = split ? root * (perOutput / perInput) : root;
            ofInput[group] = split ? root * (perInput / perOutput) : root;
        }
        Tensor inverse = inverses.inverse(target, output, ofOutput);
        try {
            Tensor ofInputs = sizes.diagonalInputs()
                    ? new DiagonalFactor(backend, factor).inverse(target, ofInput[0])
                    : inverses.inverse(target, factor, ofInput);
            return new KroneckerFactors(backend, parameter, sizes, inverse, Optional.of(ofInputs));
        } catch (RuntimeException e) {
            inverse.close();
            throw e;
        }
    }

    @Override
    public Tensor solve(TensorScope target, Tensor vectors, double damping) {
        try (TensorScope scope = backend.openScope()) {
            return dampedInverse(scope, damping).multiply(target, vectors);
        }
    }

    @Override
    public KroneckerFactors copy(TensorScope target) {
        return new KroneckerFactors(
                backend, parameter, sizes, copy(target, output), input.map(factor -> copy(target, factor)));
    }

    @Override
    public void average(double keep, CurvatureBlock other) {
        Blocks.average(backend, keep, tensors(), other.tensors());
        scaled = null;
    }

    private Tensor copy(TensorScope target, Tensor factor) {
        Tensor copy = target.allocate(factor.shape(), factor.dtype());
        backend.elementwise().copy(factor, copy);
        return copy;
    }

    /**
     * log det (G ⊗ A + λ I). With λ above 0 it is Σ log (γ α + λ) over the eigenvalues of both factors, those that
     * rounding made negative counting as 0; they have an error of about the type's epsilon times the largest one, of
     * which nothing remains in the result only if λ is far above that. With λ 0 it comes from Cholesky factors, and is
     * −∞ if a factor is not positive definite, or would not be were it not for rounding.
     *
     * @param damping λ, at least 0
     */
    public double logDeterminant(double damping) {
        Blocks.checkDamping(damping);
        LogDeterminants determinants = new LogDeterminants(backend, sizes);
        if (damping == 0) {
            return determinants.undamped(output, input);
        }
        try (TensorScope scope = backend.openScope()) {
            if (sizes.diagonalInputs()) {
                KroneckerEigen ofOutput =
                        block(backend, Shape.of(sizes.outputs()), output).eigendecomposition(scope);
                return determinants.damped(
                        new KroneckerEigen(ofOutput.outputValues(), ofOutput.outputVectors(), input, Optional.empty()),
                        damping);
            }
            return determinants.damped(eigendecomposition(scope), damping);
        }
    }

    /** {@code [K, G, O, I]}. */
    private Shape matrices(long count) {
        return Shape.of(count, sizes.groups(), sizes.outputs(), sizes.inputs());
    }

    /** Vectors as matrices whose rows are the output side's. */
    private Tensor outputsFirst(TensorScope scope, Tensor vectors, long count) {
        if (sizes.leading() == 1) {
            return scope.view(vectors, matrices(count));
        }
        long inner = sizes.inputs() / sizes.leading();
        Shape ordered = Shape.of(count * sizes.groups(), sizes.leading(), sizes.outputs(), inner);
        Tensor permuted = scope.allocate(
                Shape.of(count * sizes.groups(), sizes.outputs(), sizes.leading(), inner), vectors.dtype());
        backend.indexing().permute(scope.view(vectors, ordered), new int[] {0, 2, 1, 3}, permuted);
        return scope.view(permuted, matrices(count));
    }

    private void back(TensorScope scope, Tensor products, long count, Tensor result) {
        if (sizes.leading() == 1) {
            backend.elementwise().copy(products, scope.view(result, matrices(count)));
            return;
        }
        long inner = sizes.inputs() / sizes.leading();
        Shape byOutput = Shape.of(count * sizes.groups(), sizes.outputs(), sizes.leading(), inner);
        Shape ordered = Shape.of(count * sizes.groups(), sizes.leading(), sizes.outputs(), inner);
        backend.indexing().permute(scope.view(products, byOutput), new int[] {0, 2, 1, 3}, scope.view(result, ordered));
    }

    /** The input side with all of its zeros. */
    private Tensor denseInput(TensorScope scope) {
        Tensor factor = input.orElseThrow();
        return sizes.diagonalInputs() ? new DiagonalFactor(backend, factor).dense(scope) : factor;
    }

    private Tensor outputFactor(TensorScope scope) {
        return scope.view(output, Shape.of(1, sizes.groups(), sizes.outputs(), sizes.outputs()));
    }

    private Tensor inputFactor(TensorScope scope) {
        return scope.view(input.orElseThrow(), Shape.of(1, sizes.groups(), sizes.inputs(), sizes.inputs()));
    }

    private Tensor group(TensorScope scope, Tensor factor, long group) {
        long size = factor.shape().size(-1);
        Tensor all = scope.view(factor, Shape.of(sizes.groups(), size, size));
        return scope.rows(all, group, group + 1);
    }
}
