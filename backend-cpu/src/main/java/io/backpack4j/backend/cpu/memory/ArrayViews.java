// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's arrays on the memory of one block, kept because making one takes far longer than using it. A block that is
 * given again serves tensors of few shapes; the least recently used arrays go.
 */
final class ArrayViews {

    private static final int LIMIT = 8;

    private final long blockAddress;
    private final Map<Range, INDArray> arrays = new LinkedHashMap<>(LIMIT, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Range, INDArray> eldest) {
            return size() > LIMIT;
        }
    };

    ArrayViews(long blockAddress) {
        this.blockAddress = blockAddress;
    }

    /** All elements of a tensor on this block, as a vector. */
    synchronized INDArray flat(CpuTensor tensor) {
        var range = new Range(tensor.offset, tensor.elements, tensor.isSingle());
        INDArray known = arrays.get(range);
        if (known == null) {
            known = create(range);
            arrays.put(range, known);
        }
        return known;
    }

    private INDArray create(Range range) {
        DataType type = range.single() ? DataType.FLOAT : DataType.DOUBLE;
        long[] shape = {range.elements()};
        DataBuffer buffer = Nd4j.createBuffer(new Address().at(blockAddress + range.offset()), range.elements(), type);
        return Nd4j.create(buffer, shape, new long[] {1}, 0, 'c', type);
    }

    private record Range(long offset, long elements, boolean single) {}
}
