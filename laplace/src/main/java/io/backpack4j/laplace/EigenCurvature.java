// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Eigenvectors of the whole matrix: all with a value above zero, or the leading ones. H = Σ_k r_k r_kᵀ.
 *
 * @param sizes of the parameters, in their order
 * @param rank the most vectors that are kept
 * @param roots r_k, eigenvectors times the roots of their eigenvalues: {@code [K, D]}
 */
record EigenCurvature(List<ParameterSize> sizes, int rank, Numbers roots) implements Curvature {

    private static final String NAME = "roots";
    private static final String RANK = "rank";

    static EigenCurvature of(List<ParameterSize> sizes, Map<String, Numbers> tensors) {
        int size = sizes.stream().mapToInt(ParameterSize::elements).sum();
        int rank = (int) Curvature.required(tensors, RANK, 1).values()[0];
        Numbers roots = tensors.get(NAME);
        if (roots == null || roots.shape().rank() != 2 || roots.shape().size(1) != size) {
            Curvature.required(tensors, NAME, -1);
        }
        return new EigenCurvature(sizes, rank, Objects.requireNonNull(roots));
    }

    /** With the eigenvectors of H, {@code [D, D]}. */
    static EigenCurvature ofMatrix(Backend backend, List<ParameterSize> sizes, int rank, Numbers matrix) {
        SymmetricEigen eigen = SymmetricEigen.of(backend, matrix);
        double[] values = eigen.values().values();
        double[] factors = new double[values.length];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = Math.sqrt(values[i]);
        }
        return new EigenCurvature(sizes, rank, leading(eigen, rank, factors));
    }

    /**
     * With the eigenvectors of Σ_r root_r root_rᵀ. Those of RᵀR are Rᵀ times those of R Rᵀ, which is smaller as long as
     * there are fewer roots than parameters.
     */
    static EigenCurvature ofRoots(Backend backend, List<ParameterSize> sizes, int rank, Numbers all) {
        long count = all.shape().size(0);
        long size = all.shape().size(1);
        boolean fewer = count <= size;
        try (TensorScope scope = backend.openScope()) {
            Tensor rows = all.on(scope, DType.FLOAT64);
            long side = Math.min(count, size);
            Tensor gram = scope.allocate(Shape.of(side, side), DType.FLOAT64);
            backend.products().multiply(rows, !fewer, rows, fewer, 1, 0, gram);
            if (!fewer) {
                return ofMatrix(backend, sizes, rank, Numbers.of(gram));
            }
            SymmetricEigen eigen = SymmetricEigen.of(backend, Numbers.of(gram));
            double[] ones = new double[(int) side];
            Arrays.fill(ones, 1);
            Numbers combination = leading(eigen, rank, ones);
            long kept = combination.shape().size(0);
            if (kept == 0) {
                return none(sizes, rank);
            }
            Tensor result = scope.allocate(Shape.of(kept, size), DType.FLOAT64);
            backend.products().multiply(combination.on(scope, DType.FLOAT64), false, rows, false, 1, 0, result);
            return new EigenCurvature(sizes, rank, Numbers.of(result));
        }
    }

    /** The eigenvectors of the largest values that are not zero within rounding, as rows, times factors. */
    private static Numbers leading(SymmetricEigen eigen, int rank, double[] factors) {
        double[] values = eigen.values().values();
        int side = values.length;
        double least = values[side - 1] * side * Math.ulp(1.0);
        int kept = 0;
        while (kept < Math.min(rank, side) && values[side - 1 - kept] > least) {
            kept++;
        }
        double[] rows = new double[kept * side];
        for (int k = 0; k < kept; k++) {
            int column = side - 1 - k;
            for (int i = 0; i < side; i++) {
                rows[k * side + i] = factors[column] * eigen.vectors().values()[i * side + column];
            }
        }
        return new Numbers(Shape.of(kept, side), rows);
    }

    /** Without data. */
    static EigenCurvature none(List<ParameterSize> sizes, int rank) {
        int size = sizes.stream().mapToInt(ParameterSize::elements).sum();
        return new EigenCurvature(sizes, rank, new Numbers(Shape.of(0, size), new double[0]));
    }

    /** With more roots. */
    EigenCurvature with(Backend backend, Numbers others) {
        int size = (int) roots.shape().size(1);
        double[] all = new double[roots.values().length + others.values().length];
        System.arraycopy(roots.values(), 0, all, 0, roots.values().length);
        System.arraycopy(others.values(), 0, all, roots.values().length, others.values().length);
        return ofRoots(backend, sizes, rank, new Numbers(Shape.of(all.length / size, size), all));
    }

    @Override
    public double[] eigenvalues() {
        int size = (int) roots.shape().size(1);
        double[] values = new double[(int) roots.shape().size(0)];
        for (int i = 0; i < roots.values().length; i++) {
            values[i / size] += roots.values()[i] * roots.values()[i];
        }
        return values;
    }

    @Override
    public OutputCovariance covariance() {
        return new OutputCovariance(
                OutputCovariance.Form.VECTORS, (int) roots.shape().size(0));
    }

    /** A parameter's columns of the roots. */
    @Override
    public double[] operand(String parameter, double scale, double priorPrecision) {
        int offset = 0;
        for (ParameterSize size : sizes) {
            if (size.name().equals(parameter)) {
                return part(offset, size.elements());
            }
            offset += size.elements();
        }
        throw new IllegalArgumentException(parameter);
    }

    private double[] part(int offset, int size) {
        int all = (int) roots.shape().size(1);
        int count = (int) roots.shape().size(0);
        double[] part = new double[count * size];
        for (int k = 0; k < count; k++) {
            System.arraycopy(roots.values(), k * all + offset, part, k * size, size);
        }
        return part;
    }

    @Override
    public boolean cancels() {
        return true;
    }

    /** 1/δ · (J Jᵀ − J U diag(λ / (λ + δ)) Uᵀ Jᵀ), U being the eigenvectors. */
    @Override
    public double[] covariance(Backend backend, OutputCovariance.Sums sums, double scale, double priorPrecision) {
        try (TensorScope scope = backend.openScope()) {
            Tensor covariance =
                    scope.allocate(sums.products().shape(), sums.products().dtype());
            backend.elementwise().affine(sums.products(), 1 / priorPrecision, 0, covariance);
            sums.along().ifPresent(along -> {
                double[] weights = eigenvalues();
                for (int k = 0; k < weights.length; k++) {
                    weights[k] = Math.sqrt(scale / (scale * weights[k] + priorPrecision));
                }
                Shape shape = along.shape();
                Shape rows = Shape.of(shape.size(1), shape.size(2), shape.size(0));
                Tensor ordered = scope.allocate(rows, along.dtype());
                backend.indexing().permute(along, new int[] {1, 2, 0}, ordered);
                RowProducts.add(backend, ordered, weights, -1 / priorPrecision, covariance);
            });
            return covariance.toDoubleArray();
        }
    }

    @Override
    public Map<String, Numbers> tensors() {
        Map<String, Numbers> tensors = new LinkedHashMap<>();
        tensors.put(NAME, roots);
        tensors.put(RANK, new Numbers(Shape.of(1), new double[] {rank}));
        return tensors;
    }

    @Override
    public Curvature merged(Backend backend, long samples, Curvature other, long otherSamples) {
        return with(backend, ((EigenCurvature) other).roots);
    }
}
