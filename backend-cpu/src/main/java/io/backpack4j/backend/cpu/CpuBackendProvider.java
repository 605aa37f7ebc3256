// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import io.backpack4j.backend.cpu.loops.CompilerThreads;
import io.backpack4j.backend.cpu.loops.NativeLibraries;
import io.backpack4j.backend.cpu.memory.HugePages;
import io.backpack4j.backend.cpu.memory.MemoryLimit;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;

/** Opens CPU backends. */
final class CpuBackendProvider implements BackendProvider {

    @Override
    public String id() {
        return NativeBackend.ID;
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public Availability probe() {
        return NativeLibraries.get().availability();
    }

    @Override
    public Backend open(BackendConfiguration configuration) {
        NativeLibraries libraries = NativeLibraries.get();
        if (libraries.availability() instanceof Availability.Unavailable missing) {
            throw new BackpackException(CommonProblems.BACKEND_UNAVAILABLE, missing.reason() + " " + missing.remedy());
        }
        if (configuration.threads() < 1) {
            throw new BackpackException(
                    CpuProblems.INVALID_THREADS,
                    "The CPU backend needs at least one thread, but was given " + configuration.threads() + ".");
        }
        KernelChoice choice = KernelChoice.of(configuration.property(KernelChoice.PROPERTY), libraries);
        long memoryLimit = MemoryLimit.of(configuration.property(MemoryLimit.PROPERTY));
        HugePages hugePages = HugePages.of(configuration.property(HugePages.PROPERTY));
        CompilerThreads.giveWay(configuration.property(CompilerThreads.PROPERTY), configuration.threads());
        return new CpuBackend(choice, configuration.threads(), memoryLimit, hugePages);
    }
}
