// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.norm;

import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Optional;

/** What norms check, and what they declare alike. */
final class Checks {

    private Checks() {}

    static void eps(String type, double eps) {
        if (!(eps >= 0) || Double.isInfinite(eps)) {
            throw ModuleChecks.invalid(type, "eps", eps, "a finite number that is not negative");
        }
    }

    static void normalizedShape(String type, List<Long> shape) {
        if (shape.isEmpty() || shape.stream().anyMatch(size -> size < 1)) {
            throw ModuleChecks.invalid(type, "normalized_shape", shape, "one or more sizes of at least 1");
        }
    }

    static Shape shape(List<Long> sizes) {
        return Shape.of(sizes.stream().mapToLong(Long::longValue).toArray());
    }

    /** The only input, whose last axes have the given sizes. */
    static Shape endsWith(Module module, List<Long> sizes, List<Shape> inputs) {
        Shape sample = ModuleChecks.single(module, inputs);
        int rank = sample.rank();
        if (rank < sizes.size() || !sample.slice(rank - sizes.size(), rank).equals(shape(sizes))) {
            throw ModuleChecks.mismatch(
                    module,
                    "normalises the last axes of sizes normalized_shape = %s, but samples have shape %s."
                            .formatted(sizes, sample));
        }
        return sample;
    }

    /** The only input, whose first axis has so many channels. */
    static Shape channels(Module module, String argument, long channels, List<Shape> inputs) {
        Shape sample = ModuleChecks.single(module, inputs);
        if (sample.rank() == 0 || sample.size(0) != channels) {
            throw ModuleChecks.mismatch(
                    module,
                    "has %s = %d, but samples of shape %s have %s."
                            .formatted(
                                    argument,
                                    channels,
                                    sample,
                                    sample.rank() == 0 ? "no channels" : sample.size(0) + " channels"));
        }
        return sample;
    }

    /**
     * The positions of a norm of the last {@code normalised} axes: weight and bias are shared by all others, and no
     * others.
     */
    static Optional<List<Integer>> positions(int normalised, List<Integer> outputAxes, Shape sample) {
        int first = sample.rank() - normalised;
        boolean exactly = outputAxes.size() == first && outputAxes.stream().allMatch(axis -> axis < first);
        return exactly ? Optional.of(outputAxes) : Optional.empty();
    }

    static ModuleDeclaration declare(Shape sample, Shape parameter, boolean hasWeight, boolean hasBias) {
        ModuleDeclaration declaration = ModuleDeclaration.output(sample);
        if (hasWeight) {
            declaration = declaration.parameter(
                    ParameterSpec.parameter(NormEvaluation.WEIGHT, parameter, new Initializer.Constant(1)));
        }
        if (hasBias) {
            declaration = declaration.parameter(
                    ParameterSpec.parameter(NormEvaluation.BIAS, parameter, new Initializer.Constant(0)));
        }
        return declaration;
    }
}
