// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.backend.Backend;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Kronecker factors by parameter.
 *
 * @param blocks the factors with their eigenvectors
 */
record KroneckerCurvature(Map<String, KroneckerBlock> blocks) implements Curvature {

    static final String OUTPUT = "/kron/0";
    static final String INPUT = "/kron/1";

    static KroneckerCurvature of(Backend backend, List<ParameterSize> sizes, Map<String, Numbers> tensors) {
        Map<String, KroneckerBlock> blocks = new LinkedHashMap<>();
        for (ParameterSize size : sizes) {
            Numbers output = tensors.get(size.name() + OUTPUT);
            Numbers input = tensors.get(size.name() + INPUT);
            if (output == null || KroneckerBlock.elements(output, input) != size.elements()) {
                // Says what is there and what is needed.
                Curvature.required(tensors, size.name() + OUTPUT, -1);
            }
            blocks.put(size.name(), KroneckerBlock.of(backend, Objects.requireNonNull(output), input));
        }
        return new KroneckerCurvature(blocks);
    }

    @Override
    public double[] eigenvalues() {
        return blocks.values().stream()
                .flatMapToDouble(block -> Arrays.stream(block.eigenvalues()))
                .toArray();
    }

    @Override
    public OutputCovariance covariance() {
        return new OutputCovariance(OutputCovariance.Form.KRONECKER, 0);
    }

    @Override
    public double[] operand(String parameter, double scale, double priorPrecision) {
        return Objects.requireNonNull(blocks.get(parameter)).map(scale, priorPrecision);
    }

    @Override
    public Map<String, Numbers> tensors() {
        Map<String, Numbers> tensors = new LinkedHashMap<>();
        blocks.forEach((name, block) -> {
            tensors.put(name + OUTPUT, block.output());
            if (block.input() != null) {
                tensors.put(name + INPUT, block.input());
            }
        });
        return tensors;
    }

    @Override
    public Curvature merged(Backend backend, long samples, Curvature other, long otherSamples) {
        double share = (double) samples / (samples + otherSamples);
        Map<String, KroneckerBlock> merged = new LinkedHashMap<>();
        blocks.forEach((name, block) -> merged.put(
                name,
                block.merged(backend, share, Objects.requireNonNull(((KroneckerCurvature) other).blocks.get(name)))));
        return new KroneckerCurvature(merged);
    }
}
