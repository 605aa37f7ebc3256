// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.formats.ModelTensor;
import io.backpack4j.onnx.proto.ElementType;
import io.backpack4j.onnx.proto.StoredTensor;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/**
 * A parameter whose numbers stay in the file, where they may be in another order.
 *
 * @param tensor where they are
 * @param strides by how many elements of the file's tensor neighbours along an axis are apart
 */
record FileTensor(String name, DType type, Shape shape, StoredTensor tensor, List<Long> strides)
        implements ModelTensor {

    /** A parameter of whatever is known of its numbers. */
    static ModelTensor of(String name, Constant constant) {
        Shape shape = Arrangement.shape(constant.sizes());
        DType type = constant.type() == ElementType.DOUBLE
                ? DType.FLOAT64
                : constant.type().isFloating() ? DType.FLOAT32 : DType.INT64;
        return constant.origin().isPresent()
                ? new FileTensor(
                        name,
                        type,
                        shape,
                        constant.origin().get().tensor(),
                        constant.origin().get().strides())
                : new Computed(name, type, shape, constant.values());
    }

    /** Numbers in memory. */
    private record Computed(String name, DType type, Shape shape, double[] values) implements ModelTensor {

        @Override
        public void read(long from, double[] destination, int count) {
            System.arraycopy(values, Math.toIntExact(from), destination, 0, count);
        }
    }

    /** Walks along the last axis, where places are a stride apart. */
    @Override
    public void read(long from, double[] destination, int count) {
        List<Long> sizes =
                java.util.stream.LongStream.of(shape.toArray()).boxed().toList();
        long length = sizes.isEmpty() ? 1 : sizes.get(sizes.size() - 1);
        long stride = sizes.isEmpty() ? 1 : strides.get(sizes.size() - 1);
        int done = 0;
        while (done < count) {
            long place = Constant.place(from + done, sizes, strides);
            long end = Math.min(count, done + length - (from + done) % length);
            while (done < end) {
                destination[done++] = tensor.at(place);
                place += stride;
            }
        }
    }
}
