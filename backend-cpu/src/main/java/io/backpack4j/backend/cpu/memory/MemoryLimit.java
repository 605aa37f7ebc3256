// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import com.sun.management.OperatingSystemMXBean;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.MemoryAmount;
import java.lang.management.ManagementFactory;
import java.util.Optional;

/** Most memory that a backend may hold. */
public final class MemoryLimit {

    /** The property {@code backpack.cpu.memory}. */
    public static final String PROPERTY = "memory";

    private MemoryLimit() {}

    /**
     * Memory that the user allows; what the machine, or the container, has if nobody says: beyond that the system ends
     * processes.
     */
    public static long of(Optional<String> wish) {
        return wish.map(MemoryLimit::parse).orElseGet(MemoryLimit::ofMachine);
    }

    private static long parse(String text) {
        return MemoryAmount.parse(text)
                .map(MemoryAmount::bytes)
                .orElseThrow(() -> new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "backpack.cpu.memory is '%s', but must be %s.".formatted(text, MemoryAmount.FORM)));
    }

    private static long ofMachine() {
        OperatingSystemMXBean machine = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        return machine == null || machine.getTotalMemorySize() <= 0 ? Long.MAX_VALUE : machine.getTotalMemorySize();
    }
}
