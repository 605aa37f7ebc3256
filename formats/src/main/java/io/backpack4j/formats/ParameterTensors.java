// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** The parameters and buffers of a model among the tensors of a file. */
final class ParameterTensors {

    private final String name;
    private final Safetensors file;
    private final NamedTensors tensors;

    /** @param name the file's name, for messages */
    ParameterTensors(String name, Safetensors file) {
        this.name = name;
        this.file = file;
        this.tensors = new NamedTensors(name, file);
    }

    /**
     * Reports every tensor that is missing, does not fit, is not finite, or is not known.
     *
     * @param inputs the names of the model's inputs, which may stand in the file, too
     * @param ties parameters that are another's: own to owner's full name
     */
    void report(
            List<String> inputs,
            Map<String, String> ties,
            Map<String, ParameterSpec> specs,
            DType dtype,
            Problems problems) {
        TensorNames names = new TensorNames(name, file.tensors().keySet(), inputs, ties, specs.keySet());
        names.report(problems);
        specs.forEach((parameter, spec) -> {
            if (!names.isPrefixed(parameter)) {
                problems.collect(() -> check(parameter, spec, dtype));
            }
        });
        new TiedTensors(tensors, file).report(ties, problems);
    }

    private void check(String parameter, ParameterSpec spec, DType dtype) {
        TensorInfo tensor = file.tensors().get(parameter);
        Shape shape = spec.shape();
        if (tensor == null && spec.isInteger()) {
            return; // a counter starts at zero, as in files of PyTorch before it counted
        }
        if (tensor == null) {
            throw new BackpackException(
                    FormatProblems.MISSING_TENSOR,
                    tensors.missing(parameter, "which the model needs with shape " + shape));
        }
        if (!tensor.shape().equals(shape)) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "%s has shape %s, but the model needs %s."
                            .formatted(tensors.described(tensor), tensor.shape(), shape));
        }
        if (!spec.isInteger()) {
            tensors.requireFinite(tensor, dtype);
        } else if (tensor.type().isFloating()) {
            throw tensors.wrongType(tensor, "but a counter holds integers", "long");
        }
    }

    /** Reads the numbers, by ranges. Counters that the file does not have start at zero. */
    void fill(Parameters parameters) {
        for (String parameter : parameters.names()) {
            if (file.tensors().containsKey(parameter)) {
                parameters.set(parameter, tensor -> load(parameter, tensor));
            } else {
                long elements = parameters.spec(parameter).shape().elements();
                parameters.set(parameter, new double[Math.toIntExact(elements)]);
            }
        }
    }

    private void load(String parameter, Tensor target) {
        TensorInfo tensor = file.tensor(parameter);
        if (target.dtype() == DType.INT64) {
            long[] values = file.readLongs(parameter);
            target.write(0, values, 0, values.length);
            return;
        }
        tensors.read(tensor, target.dtype(), (from, values, count) -> target.write(from, values, 0, count));
    }
}
