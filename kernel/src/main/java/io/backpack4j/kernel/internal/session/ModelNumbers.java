// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/** Notices that a model's numbers changed. */
final class ModelNumbers {

    private static final int PIECE = 1 << 13;

    /** Elements per parameter that a glance takes. */
    private static final int GLANCED = 8;

    private final Model model;
    private final long glance;
    private final long checksum;

    ModelNumbers(Model model) {
        this.model = model;
        this.glance = glance(model);
        this.checksum = checksum(model);
    }

    /** The checksum of all numbers, for files. */
    String checksum() {
        return "crc32c:%08x".formatted(checksum);
    }

    /** Looks at some elements of every parameter: an optimiser's step changes them all. */
    void requireSameAtAGlance() {
        require(glance(model) == glance);
    }

    /** Looks at all. */
    void requireSame() {
        require(checksum(model) == checksum);
    }

    private static void require(boolean same) {
        if (!same) {
            throw new BackpackException(
                    KernelProblems.MODEL_CHANGED,
                    "The model's numbers changed while a session was open, so that batches do not add up. Open a session of its own for every state of the model.");
        }
    }

    /** Nothing that a session computes depends on counters. */
    private static List<String> names(Model model) {
        return model.parameters().names().stream()
                .filter(name -> !model.parameters().spec(name).isInteger())
                .toList();
    }

    private static long glance(Model model) {
        CRC32C sum = new CRC32C();
        double[] element = new double[1];
        ByteBuffer bytes = ByteBuffer.allocate(Double.BYTES);
        for (String name : names(model)) {
            Tensor tensor = model.parameters().get(name);
            long elements = tensor.shape().elements();
            long step = Math.max(1, elements / GLANCED);
            for (long at = step / 2; at < elements; at += step) {
                tensor.read(at, element, 0, 1);
                sum.update(bytes.clear().putDouble(element[0]).flip());
            }
        }
        return sum.getValue();
    }

    private static long checksum(Model model) {
        CRC32C sum = new CRC32C();
        double[] piece = new double[PIECE];
        ByteBuffer bytes = ByteBuffer.allocate(PIECE * Double.BYTES);
        for (String name : names(model)) {
            Tensor tensor = model.parameters().get(name);
            long elements = tensor.shape().elements();
            for (long from = 0; from < elements; from += PIECE) {
                int count = (int) Math.min(PIECE, elements - from);
                tensor.read(from, piece, 0, count);
                bytes.clear();
                for (int i = 0; i < count; i++) {
                    bytes.putDouble(piece[i]);
                }
                sum.update(bytes.flip());
            }
        }
        return sum.getValue();
    }
}
