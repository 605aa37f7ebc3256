package io.backpack4j.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The most memory that this process has had. */
final class PeakMemory {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Pattern LINE = Pattern.compile("VmHWM:\\s*([0-9]+) kB");
    private static final double MIB = 1 << 20;

    private PeakMemory() {}

    /** In MiB: resident memory where the system tells it, else the virtual memory that is committed, else the JVM's heap. */
    static double mebibytes() {
        Optional<Double> resident = resident(STATUS);
        if (resident.isPresent()) {
            return resident.get();
        }
        if (ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system) {
            return system.getCommittedVirtualMemorySize() / MIB;
        }
        return Runtime.getRuntime().totalMemory() / MIB;
    }

    static Optional<Double> resident(Path status) {
        if (!Files.isReadable(status)) {
            return Optional.empty();
        }
        try {
            return resident(Files.readAllLines(status));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<Double> resident(List<String> lines) {
        return lines.stream()
                .map(LINE::matcher)
                .filter(Matcher::matches)
                .map(matcher -> Long.parseLong(matcher.group(1)) / 1024.0)
                .findFirst();
    }
}
