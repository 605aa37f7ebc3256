// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import java.util.List;

/**
 * Order in which a block keeps the elements of its tensors, if not in row-major order. It is a property of memory, not
 * of handles: all handles on a block see the same elements. Kernels that know an arrangement work on it as it is; for
 * all others the block is made row-major first.
 */
public interface Arrangement {

    /**
     * Planes {@code [C, S]} kept as {@code [S, C]}: oneDNN's convolutions are fast only so.
     *
     * @param channels C
     * @param positions S
     */
    record ChannelsLast(long channels, long positions) implements Arrangement {

        /** Whether both orders are the same. */
        public boolean isRowMajor() {
            return channels == 1 || positions == 1;
        }
    }

    /** Whether all of them are the same. */
    static boolean same(List<CpuTensor> tensors) {
        Arrangement first = tensors.get(0).block.arrangement;
        for (CpuTensor tensor : tensors) {
            boolean equal = first == null ? tensor.block.arrangement == null : first.equals(tensor.block.arrangement);
            if (!equal || !tensor.isAligned()) {
                return false;
            }
        }
        return true;
    }

    /** Whether all of them are the same, and their rows of so many elements lie behind each other. */
    static boolean sameRows(List<CpuTensor> tensors, long row) {
        Arrangement order = tensors.get(0).block.arrangement;
        boolean whole = order instanceof ChannelsLast last && row % (last.channels * last.positions) == 0;
        return (order == null || whole) && same(tensors);
    }
}
