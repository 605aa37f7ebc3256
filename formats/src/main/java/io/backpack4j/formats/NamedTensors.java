// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** The tensors of a file, read by ranges so that every number is finite, and named in messages. */
final class NamedTensors {

    static final int RANGE = 1 << 14;

    private final String name;
    private final Safetensors file;

    /** Takes a part of a tensor. */
    interface RangeReader {
        void accept(long from, double[] values, int count);
    }

    NamedTensors(String name, Safetensors file) {
        this.name = name;
        this.file = file;
    }

    void requireFinite(TensorInfo tensor, DType dtype) {
        read(tensor, dtype, (from, values, count) -> {});
    }

    /** Reads real numbers. */
    void read(TensorInfo tensor, DType dtype, RangeReader reader) {
        if (!tensor.type().isFloating()) {
            throw wrongType(tensor, "but real numbers are needed", "float");
        }
        long elements = tensor.shape().elements();
        double[] range = new double[(int) Math.min(RANGE, elements)];
        for (long from = 0; from < elements; from += RANGE) {
            int count = (int) Math.min(RANGE, elements - from);
            file.read(tensor.name(), from, range, 0, count);
            for (int i = 0; i < count; i++) {
                double stored = dtype == DType.FLOAT32 ? (float) range[i] : range[i];
                if (!Double.isFinite(stored)) {
                    throw new BackpackException(
                            CommonProblems.NOT_FINITE,
                            "%s is %s at position %s, but must be a finite number in %s."
                                    .formatted(described(tensor), range[i], position(tensor.shape(), from + i), dtype));
                }
            }
            reader.accept(from, range, count);
        }
    }

    /**
     * What to say of a tensor of the wrong type.
     *
     * @param needed who needs what
     * @param method that of PyTorch's and NumPy's tensors that converts to it
     */
    BackpackException wrongType(TensorInfo tensor, String needed, String method) {
        String types = method.equals("float") ? "F64, F32, F16 or BF16" : "I64, I32, I16, I8, U32, U16, U8 or BOOL";
        return new BackpackException(
                CommonProblems.WRONG_TYPE,
                "%s is of %s, %s: %s. %s"
                        .formatted(described(tensor), tensor.type(), needed, types, conversion(method)));
    }

    static String conversion(String method) {
        return "Convert it before it is saved, in PyTorch with tensor.%s().".formatted(method);
    }

    static List<Long> position(Shape shape, long index) {
        List<Long> position = new ArrayList<>();
        long rest = index;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            position.add(0, rest % shape.size(axis));
            rest /= shape.size(axis);
        }
        return position;
    }

    String missing(String tensor, String what) {
        return "File %s has no tensor %s, %s.".formatted(Failures.quoted(name), Failures.quoted(tensor), what);
    }

    String scalar(TensorInfo tensor) {
        return "%s is a scalar, but needs the batch as its first axis.".formatted(described(tensor));
    }

    String described(TensorInfo tensor) {
        return "Tensor %s of file %s".formatted(Failures.quoted(tensor.name()), Failures.quoted(name));
    }
}
