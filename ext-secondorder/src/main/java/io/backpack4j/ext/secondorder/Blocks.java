// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/** What blocks of all forms have in common. */
final class Blocks {

    private Blocks() {}

    static void checkDamping(double damping) {
        if (!(damping >= 0) || Double.isInfinite(damping)) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The damping is %s, but must be a number of at least 0.".formatted(damping));
        }
    }

    /** Checks that vectors are {@code [K, *p]}; returns K. */
    static long checkVectors(Shape parameter, Tensor vectors) {
        Shape shape = vectors.shape();
        if (shape.rank() != parameter.rank() + 1 || !shape.dropFirst(1).equals(parameter)) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "Vectors for a parameter of shape %s need shape [K, *p], not %s.".formatted(parameter, shape));
        }
        return shape.size(0);
    }

    /** Makes each tensor keep · tensor + (1 − keep) · (the other of its name). */
    static void average(Backend backend, double keep, Map<String, Tensor> tensors, Map<String, Tensor> others) {
        tensors.forEach((name, tensor) -> {
            Tensor other = others.get(name);
            if (others.size() != tensors.size()
                    || other == null
                    || !other.shape().equals(tensor.shape())) {
                throw new BackpackException(
                        CommonProblems.SHAPE_MISMATCH,
                        "Blocks of a curvature are averaged that differ in form or parameter: one has a tensor '%s' of shape %s, the other %s."
                                .formatted(name, tensor.shape(), other == null ? "none" : other.shape()));
            }
            backend.elementwise().addScaled(1 - keep, other, keep, tensor);
        });
    }
}
