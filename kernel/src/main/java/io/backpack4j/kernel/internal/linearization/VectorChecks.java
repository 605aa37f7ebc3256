// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/** Checks vectors in the space of parameters. */
final class VectorChecks {

    private VectorChecks() {}

    /**
     * Checks that vectors {@code [V, *p]} fit parameters and have one V.
     *
     * @param parameters shapes by name
     * @return V
     * @throws BackpackException with everything that does not fit
     */
    static long columns(Backend backend, DType dtype, Map<String, Shape> parameters, Map<String, Tensor> vectors) {
        Problems problems = new Problems();
        if (vectors.isEmpty()) {
            problems.add(
                    KernelProblems.MISSING_VECTORS,
                    "No vectors were given. Give some of parameters %s."
                            .formatted(String.join(", ", parameters.keySet())));
        }
        problems.throwIfAny();
        Shape first = vectors.values().iterator().next().shape();
        long columns = first.rank() == 0 ? 0 : first.size(0);
        vectors.forEach((name, vector) -> {
            Shape shape = parameters.get(name);
            if (shape == null) {
                problems.add(
                        CommonProblems.UNKNOWN_PARAMETER,
                        "There is no trained parameter '%s'. Possible: %s."
                                .formatted(name, String.join(", ", parameters.keySet())));
            } else {
                Shape expected = shape.prepend(Math.max(1, columns));
                tensor(backend, "The vectors of '%s'".formatted(name), vector, expected, dtype, problems);
            }
        });
        problems.throwIfAny();
        return columns;
    }

    /** Checks one tensor. */
    static void tensor(Backend backend, String what, Tensor tensor, Shape expected, DType dtype, Problems problems) {
        if (tensor.isClosed()) {
            problems.add(KernelProblems.CLOSED, "%s were closed.".formatted(what));
        } else if (!tensor.backend().equals(backend.id())) {
            problems.add(
                    KernelProblems.WRONG_BACKEND,
                    "%s lie on backend '%s', but the model lies on '%s'."
                            .formatted(what, tensor.backend(), backend.id()));
        } else if (!tensor.shape().equals(expected) || tensor.dtype() != dtype) {
            problems.add(
                    CommonProblems.SHAPE_MISMATCH,
                    "%s have shape %s and type %s, but shape %s and type %s are needed; the first axis holds the vectors, the same number for all parameters."
                            .formatted(what, tensor.shape(), tensor.dtype(), expected, dtype));
        }
    }
}
