// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.doctor;

import io.backpack4j.cli.console.Text;
import io.backpack4j.spi.MemoryAmount;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/** The JVM, the system and the memory. */
final class Machine {

    private static final long SMALL_HEAP = 512L << 20;

    private Machine() {}

    static List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        findings.add(Finding.fine(
                "Java",
                "%s, %s, %s"
                        .formatted(
                                System.getProperty("java.version"),
                                System.getProperty("java.vm.name"),
                                System.getProperty("java.home"))));
        findings.add(Finding.fine(
                "system",
                "%s %s, %s"
                        .formatted(
                                System.getProperty("os.name"),
                                System.getProperty("os.version"),
                                System.getProperty("os.arch"))));
        findings.addAll(Processor.of(Processor.CPUINFO).map(Processor::findings).orElse(List.of()));
        findings.add(memory(Runtime.getRuntime().maxMemory(), physicalBytes()));
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        if (load >= 0) {
            findings.add(load(load, Runtime.getRuntime().availableProcessors()));
        }
        return findings;
    }

    static Finding memory(long heap, long physical) {
        String text =
                "heap up to " + new MemoryAmount(heap) + (physical > 0 ? " of " + new MemoryAmount(physical) : "");
        return heap < SMALL_HEAP
                ? Finding.advised("memory", text, "Data files pass through the heap: give it more, such as -Xmx1g.")
                : Finding.fine("memory", text);
    }

    /**
     * Whether other programs want the processors, too.
     *
     * @param load how many threads ran or waited for a processor, on average over the last minute
     */
    static Finding load(double load, int processors) {
        String text = Text.format("%.1f threads wanted the %d processors in the last minute", load, processors);
        return load > processors
                ? Finding.advised(
                        "load",
                        text,
                        "Threads that wait for each other make passes slower here: take fewer --threads. They wait shortly while other"
                                + " programs want the processors, unless GOMP_SPINCOUNT, OMP_WAIT_POLICY or"
                                + " -Dbackpack.cpu.spin_count say otherwise: leave these out.")
                : Finding.fine("load", text);
    }

    /** The machine's or the container's memory; 0 where nobody tells. */
    private static long physicalBytes() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize()
                : 0;
    }
}
