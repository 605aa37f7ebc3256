// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A function of the C library that Java cannot call, with three arguments of a register each and an integer as its
 * result. A pointer to a function is a number like any other: JavaCPP calls what is a selection of LAPACK's
 * eigenvalues to it.
 */
public final class NativeFunction {

    private static final Logger LOG = LoggerFactory.getLogger(NativeFunction.class);

    private final openblas.LAPACK_S_SELECT3 function;
    private final FloatAddress first = new FloatAddress();
    private final FloatAddress second = new FloatAddress();
    private final FloatAddress third = new FloatAddress();

    /** JavaCPP keeps a pointer to a function, and one to the object that made it, if there is one. */
    private NativeFunction(long address) {
        LongPointer pointers = new LongPointer(Pointer.malloc(2L * Long.BYTES));
        pointers.put(0, address).put(1, 0);
        function = new openblas.LAPACK_S_SELECT3(pointers);
    }

    /** The function of that name, if there is one here. Keep it: what it takes stays with the process. */
    public static Optional<NativeFunction> find(String name) {
        try {
            Loader.load(openblas.class);
            Pointer function = Loader.addressof(name);
            return function == null || function.isNull()
                    ? Optional.empty()
                    : Optional.of(new NativeFunction(function.address()));
        } catch (RuntimeException | LinkageError e) {
            LOG.debug("{} cannot be called.", name, e);
            return Optional.empty();
        }
    }

    /** Calls it. */
    public synchronized int call(long a, long b, long c) {
        return function.call(first.at(a), second.at(b), third.at(c));
    }
}
