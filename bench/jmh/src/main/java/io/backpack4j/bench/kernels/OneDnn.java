// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu;
import static org.bytedeco.dnnl.global.dnnl.dnnl_engine_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_f32;
import static org.bytedeco.dnnl.global.dnnl.dnnl_format_tag_any;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_create_with_tag;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_get_size;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_execute;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_exec_arg_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_default_flags;
import static org.bytedeco.dnnl.global.dnnl.dnnl_stream_wait;
import static org.bytedeco.dnnl.global.dnnl.dnnl_success;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.FloatPointer;

/**
 * One primitive of oneDNN, called as directly as Java can: made once, on memory in the orders that oneDNN chose. Never
 * freed: the process ends soon.
 */
final class OneDnn {

    static final dnnl_engine ENGINE = new dnnl_engine();

    private static final int ALIGNMENT = 64;
    private static final dnnl_stream STREAM = new dnnl_stream();

    /** What the collector must not free. */
    private static final List<FloatPointer> KEPT = new ArrayList<>();

    static {
        check(dnnl_engine_create(ENGINE, dnnl_cpu, 0));
        check(dnnl_stream_create(STREAM, ENGINE, dnnl_stream_default_flags));
    }

    private final dnnl_primitive primitive = new dnnl_primitive();
    private final dnnl_exec_arg_t arguments;
    private final int count;

    /**
     * Compiles what a description says.
     *
     * @param argumentIds oneDNN's names of the arguments
     */
    OneDnn(dnnl_primitive_desc description, int... argumentIds) {
        count = argumentIds.length;
        arguments = new dnnl_exec_arg_t(count);
        check(dnnl_primitive_create(primitive, description));
        for (int i = 0; i < count; i++) {
            var order = dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, argumentIds[i]);
            var memory = new dnnl_memory();
            check(dnnl_memory_create(memory, order, ENGINE, normal(dnnl_memory_desc_get_size(order) / Float.BYTES)));
            arguments.position(i).arg(argumentIds[i]).memory(memory);
        }
        arguments.position(0);
    }

    void run() {
        check(dnnl_primitive_execute(primitive, STREAM, count, arguments));
        check(dnnl_stream_wait(STREAM));
    }

    /** A tensor whose order is oneDNN's choice. */
    static dnnl_memory_desc any(long... sizes) {
        var description = new dnnl_memory_desc();
        check(dnnl_memory_desc_create_with_tag(description, sizes.length, sizes, dnnl_f32, dnnl_format_tag_any));
        return description;
    }

    /** Aligned memory with that many normal numbers. */
    static FloatPointer normal(long numbers) {
        var memory = new FloatPointer(numbers + ALIGNMENT / Float.BYTES);
        long offset = Math.floorMod(-memory.address(), ALIGNMENT) / Float.BYTES;
        Random random = new Random(7);
        float[] values = new float[(int) numbers];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        KEPT.add(memory);
        FloatPointer aligned = memory.getPointer(offset);
        aligned.put(values);
        return aligned;
    }

    static void check(int status) {
        if (status != dnnl_success) {
            throw new IllegalStateException("oneDNN's status is " + status);
        }
    }
}
