// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.backend.Backend;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A diagonal.
 *
 * @param diagonal by parameter
 */
record DiagonalCurvature(Map<String, Numbers> diagonal) implements Curvature {

    private static final String NAME = "/diagonal";

    static DiagonalCurvature of(List<ParameterSize> sizes, Map<String, Numbers> tensors) {
        Map<String, Numbers> diagonal = new LinkedHashMap<>();
        sizes.forEach(
                size -> diagonal.put(size.name(), Curvature.required(tensors, size.name() + NAME, size.elements())));
        return new DiagonalCurvature(diagonal);
    }

    @Override
    public double[] eigenvalues() {
        return diagonal.values().stream()
                .flatMapToDouble(numbers -> Arrays.stream(numbers.values()))
                .toArray();
    }

    @Override
    public OutputCovariance covariance() {
        return new OutputCovariance(OutputCovariance.Form.DIAGONAL, 0);
    }

    @Override
    public double[] operand(String parameter, double scale, double priorPrecision) {
        double[] roots =
                Objects.requireNonNull(diagonal.get(parameter)).values().clone();
        Arrays.setAll(roots, i -> 1 / Math.sqrt(scale * roots[i] + priorPrecision));
        return roots;
    }

    @Override
    public Map<String, Numbers> tensors() {
        Map<String, Numbers> tensors = new LinkedHashMap<>();
        diagonal.forEach((name, numbers) -> tensors.put(name + NAME, numbers));
        return tensors;
    }

    @Override
    public Curvature merged(Backend backend, long samples, Curvature other, long otherSamples) {
        Map<String, Numbers> sum = new LinkedHashMap<>();
        diagonal.forEach((name, numbers) -> sum.put(
                name, numbers.combined(1, Objects.requireNonNull(((DiagonalCurvature) other).diagonal.get(name)), 1)));
        return new DiagonalCurvature(sum);
    }
}
