// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_bf16;
import static org.bytedeco.dnnl.global.dnnl.dnnl_f32;

import java.util.Arrays;
import org.bytedeco.dnnl.dnnl_memory_desc;

/**
 * Sizes and strides of a oneDNN operand.
 *
 * @param rounded whether its elements are bfloat16 instead of single precision
 */
record Layout(long[] sizes, long[] strides, boolean rounded) {

    Layout(long[] sizes, long[] strides) {
        this(sizes, strides, false);
    }

    static Layout dense(long... sizes) {
        return new Layout(sizes, Dnnl.contiguous(sizes));
    }

    /** A row-major layout whose last two axes change places. */
    Layout transposed() {
        long[] swappedSizes = sizes.clone();
        long[] swappedStrides = strides.clone();
        int last = sizes.length - 1;
        swappedSizes[last] = sizes[last - 1];
        swappedSizes[last - 1] = sizes[last];
        swappedStrides[last] = strides[last - 1];
        swappedStrides[last - 1] = strides[last];
        return new Layout(swappedSizes, swappedStrides, rounded);
    }

    /** The same of elements that are rounded, or not. */
    Layout rounded(boolean rounds) {
        return new Layout(sizes, strides, rounds);
    }

    /** A part of an axis, from where on an address says. */
    Layout part(int axis, long size) {
        long[] some = sizes.clone();
        some[axis] = size;
        return new Layout(some, strides);
    }

    dnnl_memory_desc describe() {
        return Dnnl.strided(sizes, strides, rounded ? dnnl_bf16 : dnnl_f32);
    }

    /** Ones but for the last axis. */
    long[] biasSizes() {
        long[] row = scalarSizes();
        row[row.length - 1] = sizes[row.length - 1];
        return row;
    }

    /** Ones. */
    long[] scalarSizes() {
        long[] ones = new long[sizes.length];
        Arrays.fill(ones, 1);
        return ones;
    }
}
