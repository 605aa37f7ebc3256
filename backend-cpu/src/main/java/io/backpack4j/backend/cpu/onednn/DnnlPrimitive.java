// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SCRATCHPAD;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_get_size;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_get_memory_desc;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_set_data_handle;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_query_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_execute;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_exec_arg_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_impl_info_str;
import static org.bytedeco.dnnl.global.dnnl.dnnl_query_scratchpad_md;
import static org.bytedeco.dnnl.global.dnnl.dnnl_success;

import io.backpack4j.backend.cpu.memory.Address;
import io.backpack4j.backend.cpu.memory.Block;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.jspecify.annotations.Nullable;

/**
 * A compiled operation of fixed shapes, with its argument list built once: a run moves addresses and executes. Belongs
 * to one thread. There are primitives that cannot be used, because oneDNN has no fast implementation; they are kept so
 * that nobody asks twice.
 */
final class DnnlPrimitive implements AutoCloseable {

    private final String implementation;
    private final boolean usable;
    private final dnnl_primitive primitive = new dnnl_primitive();
    private final dnnl_memory[] memories;
    private final long[] addresses;
    private final long[] bytes;
    private final Address address = new Address();
    private final dnnl_exec_arg_t arguments;
    private long scratchpadBytes;
    private int threads = 1;
    private @Nullable DnnlPrimitive second;
    private long[] shifts = {};

    /** Takes the description over. */
    private DnnlPrimitive(dnnl_primitive_desc description, int[] argumentIds) {
        implementation = implementation(description);
        usable = !implementation.contains("ref");
        var scratchpad = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
        scratchpadBytes = scratchpad == null ? 0 : dnnl_memory_desc_get_size(scratchpad);
        int count = argumentIds.length + 1;
        memories = new dnnl_memory[count];
        addresses = new long[count];
        bytes = new long[count];
        arguments = new dnnl_exec_arg_t(count);
        if (usable) {
            Dnnl.check(dnnl_primitive_create(primitive, description), "create a primitive");
        }
        for (int i = 0; i < count; i++) {
            memories[i] = new dnnl_memory();
            boolean last = i == count - 1;
            var memory = last
                    ? scratchpad
                    : dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, argumentIds[i]);
            bytes[i] = memory == null ? 0 : dnnl_memory_desc_get_size(memory);
            Dnnl.check(dnnl_memory_create(memories[i], memory, Dnnl.ENGINE, address.at(0)), "create memory");
            arguments
                    .position(i)
                    .arg(last ? DNNL_ARG_SCRATCHPAD : argumentIds[i])
                    .memory(memories[i]);
        }
        arguments.position(0);
        dnnl_primitive_desc_destroy(description);
    }

    private DnnlPrimitive() {
        implementation = "none";
        usable = false;
        memories = new dnnl_memory[0];
        addresses = new long[0];
        bytes = new long[0];
        arguments = new dnnl_exec_arg_t(1);
        scratchpadBytes = 0;
    }

    /**
     * Compiles what a description says.
     *
     * @param status what asking for the description gave
     * @param description taken over
     * @param argumentIds oneDNN's names of the arguments, in the order of {@link #at}
     */
    static DnnlPrimitive of(int status, dnnl_primitive_desc description, int... argumentIds) {
        return status == dnnl_success ? new DnnlPrimitive(description, argumentIds) : new DnnlPrimitive();
    }

    /** A primitive that cannot be used. */
    static DnnlPrimitive none() {
        return new DnnlPrimitive();
    }

    /** Layout that an argument must have. Belongs to this primitive. */
    dnnl_memory_desc description(int argument) {
        var description = new dnnl_memory_desc();
        Dnnl.check(dnnl_memory_get_memory_desc(memories[argument], description), "describe an argument");
        return description;
    }

    /** The bytes that an argument takes. */
    long bytes(int argument) {
        return bytes[argument];
    }

    /** Whether oneDNN has a fast implementation. */
    boolean usable() {
        return usable;
    }

    /** oneDNN's name of the implementation. */
    String implementation() {
        return implementation;
    }

    /** Sets the number of threads, the one that it was compiled for. */
    DnnlPrimitive on(int share) {
        threads = share;
        if (second != null) {
            second.on(share);
        }
        return this;
    }

    /**
     * Has another one of as many arguments run behind this, and takes it over.
     *
     * @param bytes how much further each of its arguments lies than this one's
     */
    DnnlPrimitive then(DnnlPrimitive next, long... bytes) {
        second = next;
        shifts = bytes;
        scratchpadBytes = Math.max(scratchpadBytes, next.scratchpadBytes);
        return this;
    }

    /** Moves an argument. */
    DnnlPrimitive at(int argument, long newAddress) {
        if (second != null) {
            second.at(argument, argument < shifts.length ? newAddress + shifts[argument] : newAddress);
        }
        if (addresses[argument] != newAddress) {
            dnnl_memory_set_data_handle(memories[argument], address.at(newAddress));
            addresses[argument] = newAddress;
        }
        return this;
    }

    void run(DnnlContext context) {
        long lent = context.lent(scratchpadBytes);
        if (scratchpadBytes == 0 || lent != 0) {
            placeScratchpad(lent);
            execute(context);
            return;
        }
        Block scratchpad = context.pool().allocate(scratchpadBytes);
        try {
            at(memories.length - 1, scratchpad.address);
            execute(context);
        } finally {
            context.pool().release(scratchpad);
        }
    }

    /** The bytes that it works in. */
    long scratchpadBytes() {
        return scratchpadBytes;
    }

    /** Moves the scratchpad, if there is one, for {@link #execute}. */
    void placeScratchpad(long newAddress) {
        if (scratchpadBytes > 0) {
            at(memories.length - 1, newAddress);
        }
    }

    /** Runs with the scratchpad where the argument behind the last was moved to. */
    void execute(DnnlContext context) {
        context.use(threads);
        int status = dnnl_primitive_execute(primitive, context.stream(), memories.length, arguments);
        if (status != dnnl_success) {
            Dnnl.check(status, "run " + implementation);
        }
        if (second != null) {
            second.execute(context);
        }
    }

    @Override
    public void close() {
        for (dnnl_memory memory : memories) {
            dnnl_memory_destroy(memory);
        }
        if (usable) {
            dnnl_primitive_destroy(primitive);
        }
        arguments.close();
        if (second != null) {
            second.close();
        }
    }

    private static String implementation(dnnl_primitive_desc description) {
        try (var name = new PointerPointer<BytePointer>(1)) {
            Dnnl.check(
                    dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, name),
                    "name an implementation");
            return new BytePointer(name.get(BytePointer.class, 0)).getString();
        }
    }
}
