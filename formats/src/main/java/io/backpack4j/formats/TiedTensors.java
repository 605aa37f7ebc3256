// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import java.util.Map;

/**
 * Tied parameters that stand in a file beside their owners, as in every state dict of PyTorch: the numbers must be the
 * same.
 */
final class TiedTensors {

    private final NamedTensors tensors;
    private final Safetensors file;

    TiedTensors(NamedTensors tensors, Safetensors file) {
        this.tensors = tensors;
        this.file = file;
    }

    /**
     * Compares each with its owner, by ranges.
     *
     * @param ties own to owner's full name
     */
    void report(Map<String, String> ties, Problems problems) {
        ties.forEach((own, owner) -> {
            TensorInfo copy = file.tensors().get(own);
            TensorInfo original = file.tensors().get(owner);
            if (copy != null && original != null) {
                problems.collect(() -> compare(copy, original));
            }
        });
    }

    private void compare(TensorInfo copy, TensorInfo original) {
        if (!original.type().isFloating()) {
            // Reported at the owner.
            return;
        }
        if (!copy.type().isFloating()) {
            throw tensors.wrongType(
                    copy, "but the model ties it to %s of real numbers".formatted(quoted(original)), "float");
        }
        if (!copy.shape().equals(original.shape())) {
            throw differs(copy, original, "has shape %s, and that has %s".formatted(copy.shape(), original.shape()));
        }
        long elements = copy.shape().elements();
        int length = (int) Math.min(NamedTensors.RANGE, elements);
        double[] left = new double[length];
        double[] right = new double[length];
        double largest = 0;
        long at = 0;
        for (long from = 0; from < elements; from += NamedTensors.RANGE) {
            int count = (int) Math.min(NamedTensors.RANGE, elements - from);
            file.read(copy.name(), from, left, 0, count);
            file.read(original.name(), from, right, 0, count);
            for (int i = 0; i < count; i++) {
                double difference = difference(left[i], right[i]);
                if (difference > largest) {
                    largest = difference;
                    at = from + i;
                }
            }
        }
        if (largest > 0) {
            throw differs(
                    copy,
                    original,
                    "differs by up to %s, at position %s".formatted(largest, NamedTensors.position(copy.shape(), at)));
        }
    }

    /** What is not finite differs from everything but itself. */
    private static double difference(double left, double right) {
        if (left == right || Double.compare(left, right) == 0) {
            return 0;
        }
        double difference = Math.abs(left - right);
        return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
    }

    private BackpackException differs(TensorInfo copy, TensorInfo original, String how) {
        return new BackpackException(
                FormatProblems.TIED_TENSOR,
                "%s is tied to %s by the model, but %s. Remove it, correct it, or do not tie them."
                        .formatted(tensors.described(copy), quoted(original), how));
    }

    private static String quoted(TensorInfo tensor) {
        return Failures.quoted(tensor.name());
    }
}
