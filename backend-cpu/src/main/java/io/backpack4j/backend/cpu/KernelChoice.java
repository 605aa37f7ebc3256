// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import io.backpack4j.backend.cpu.loops.HostKernels;
import io.backpack4j.backend.cpu.loops.KernelSet;
import io.backpack4j.backend.cpu.loops.NativeLibraries;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.backend.cpu.onednn.DnnlKernels;
import io.backpack4j.spi.BackpackException;
import java.util.Locale;
import java.util.Optional;

/** The selections of libraries. */
enum KernelChoice {
    /** ND4J, OpenBLAS and Java. */
    ND4J {
        @Override
        KernelSet create(NativeBackend backend, int threads) {
            return new HostKernels(backend, threads, threads);
        }
    },
    /** oneDNN for single precision, the rest as {@link #ND4J}. */
    ONEDNN {
        @Override
        KernelSet create(NativeBackend backend, int threads) {
            return new DnnlKernels(backend, threads);
        }
    };

    /** The property {@code backpack.cpu.kernels}. */
    static final String PROPERTY = "kernels";

    abstract KernelSet create(NativeBackend backend, int threads);

    String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Kernels that the user asked for, or the fastest that are there. */
    static KernelChoice of(Optional<String> wish, NativeLibraries libraries) {
        if (wish.isEmpty()) {
            return libraries.onednn().isPresent() ? ONEDNN : ND4J;
        }
        for (KernelChoice choice : values()) {
            if (choice.key().equals(wish.get())) {
                if (choice == ONEDNN && libraries.onednn().isEmpty()) {
                    throw new BackpackException(
                            CpuProblems.MISSING_LIBRARY,
                            "backpack.cpu.kernels=onednn was asked for, but oneDNN cannot be loaded: "
                                    + libraries.onednnProblem()
                                    + " Add org.bytedeco:dnnl and org.bytedeco:opencl with the classifier of this"
                                    + " platform, or leave the property out.");
                }
                return choice;
            }
        }
        throw new BackpackException(
                CpuProblems.UNKNOWN_KERNELS,
                "backpack.cpu.kernels is '%s'. Possible are nd4j and onednn.".formatted(wish.get()));
    }
}
