// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_engine_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_f32;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_create_with_strides;
import static org.bytedeco.dnnl.global.dnnl.dnnl_success;

import io.backpack4j.spi.BackpackException;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_memory_desc;

/** oneDNN's processor engine, and what every use of its C interface needs. */
final class Dnnl {

    /** One engine serves the whole process; it holds no memory worth returning. */
    static final dnnl_engine ENGINE = new dnnl_engine();

    static {
        check(dnnl_engine_create(ENGINE, dnnl_cpu, 0), "create an engine");
    }

    private Dnnl() {}

    static void check(int status, String what) {
        if (status != dnnl_success) {
            throw new BackpackException(
                    DnnlProblems.ONE_DNN_FAILURE, "oneDNN could not %s: status %d.".formatted(what, status));
        }
    }

    /** A row-major description; to be destroyed by the caller. */
    static dnnl_memory_desc dense(long... sizes) {
        return strided(sizes, contiguous(sizes), dnnl_f32);
    }

    static dnnl_memory_desc strided(long[] sizes, long[] strides, int type) {
        var description = new dnnl_memory_desc();
        check(dnnl_memory_desc_create_with_strides(description, sizes.length, sizes, type, strides), "describe memory");
        return description;
    }

    static long[] contiguous(long... sizes) {
        long[] strides = new long[sizes.length];
        long step = 1;
        for (int axis = sizes.length - 1; axis >= 0; axis--) {
            strides[axis] = step;
            step *= sizes[axis];
        }
        return strides;
    }
}
