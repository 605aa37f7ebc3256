// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.files;

import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import java.nio.file.Path;

/** Parameters and buffers that stand in a file of data, where training starts. */
final class InitialParameters {

    private InitialParameters() {}

    /**
     * Sets those that the file has.
     *
     * @throws BackpackException with each that has another shape
     */
    static void fill(Path path, Safetensors file, Parameters parameters) {
        Problems problems = new Problems();
        for (String name : parameters.names()) {
            TensorInfo tensor = file.tensors().get(name);
            if (tensor == null) {
                continue;
            }
            if (!tensor.shape().equals(parameters.spec(name).shape())) {
                problems.add(
                        CommonProblems.SHAPE_MISMATCH,
                        "File '%s' has '%s' of shape %s, but the model's is %s."
                                .formatted(
                                        path,
                                        name,
                                        tensor.shape(),
                                        parameters.spec(name).shape()));
            } else if (tensor.type().isFloating()) {
                parameters.set(name, file.readDoubles(name));
            } else {
                long[] integers = file.readLongs(name);
                parameters.set(name, destination -> destination.write(0, integers, 0, integers.length));
            }
        }
        problems.throwIfAny();
    }
}
