// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Batch;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Map;
import java.util.TreeMap;

/**
 * Signature of a batch, on which plans depend.
 *
 * @param inputs shapes and types of the inputs by name
 * @param targets shape and type of the targets
 */
public record BatchSignature(Map<String, Part> inputs, Part targets) {

    /** Shape and type of a tensor. */
    public record Part(Shape shape, DType dtype) {

        @Override
        public String toString() {
            return shape + " " + dtype;
        }
    }

    /** The signature of a batch. */
    public static BatchSignature of(Batch batch) {
        return new BatchSignature(
                ofInputs(batch),
                new Part(batch.targets().shape(), batch.targets().dtype()));
    }

    /** Signature of a batch as predictions see it. */
    public static Map<String, Part> ofInputs(Batch batch) {
        Map<String, Part> inputs = new TreeMap<>();
        batch.inputs().forEach((name, tensor) -> inputs.put(name, new Part(tensor.shape(), tensor.dtype())));
        return inputs;
    }
}
