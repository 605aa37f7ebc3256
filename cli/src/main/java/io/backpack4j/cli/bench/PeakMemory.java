// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The most memory that this process has had, and what it has now. */
final class PeakMemory {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Pattern MOST = Pattern.compile("VmHWM:\\s*([0-9]+) kB");
    private static final Pattern NOW = Pattern.compile("VmRSS:\\s*([0-9]+) kB");
    private static final double MIB = 1 << 20;

    private PeakMemory() {}

    /**
     * In MiB: resident memory where the system tells it, else the virtual memory that is committed, else the JVM's
     * heap.
     */
    static double mebibytes() {
        return resident(STATUS, MOST).orElseGet(PeakMemory::committed);
    }

    /** What is resident now, in MiB; where the system does not tell, as {@link #mebibytes()}. */
    static double currentMebibytes() {
        return resident(STATUS, NOW).orElseGet(PeakMemory::committed);
    }

    private static double committed() {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system) {
            return system.getCommittedVirtualMemorySize() / MIB;
        }
        return Runtime.getRuntime().totalMemory() / MIB;
    }

    static Optional<Double> resident(Path status) {
        return resident(status, MOST);
    }

    private static Optional<Double> resident(Path status, Pattern field) {
        if (!Files.isReadable(status)) {
            return Optional.empty();
        }
        try {
            return resident(Files.readAllLines(status), field);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<Double> resident(List<String> lines, Pattern field) {
        return lines.stream()
                .map(field::matcher)
                .filter(Matcher::matches)
                .map(matcher -> Long.parseLong(matcher.group(1)) / 1024.0)
                .findFirst();
    }
}
