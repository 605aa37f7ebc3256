package io.backpack4j.backend.cpu;

import com.sun.management.OperatingSystemMXBean;
import io.backpack4j.spi.BackpackException;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much memory a backend may hold. */
final class MemoryLimit {

    /** The property {@code backpack.cpu.memory}. */
    static final String PROPERTY = "memory";

    private static final Pattern AMOUNT = Pattern.compile("([0-9]{1,18})\\s*([KMGT]iB)?");
    private static final String UNITS = "KMGT";

    private MemoryLimit() {}

    /** What the user allows; what the machine, or the container, has if nobody says: beyond that the system ends processes. */
    static long of(Optional<String> wish) {
        return wish.map(MemoryLimit::parse).orElseGet(MemoryLimit::ofMachine);
    }

    private static long parse(String text) {
        Matcher matcher = AMOUNT.matcher(text.strip());
        if (matcher.matches()) {
            int unit = matcher.group(2) == null
                    ? 0
                    : 1 + UNITS.indexOf(matcher.group(2).charAt(0));
            BigDecimal bytes = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(1L << (10 * unit)));
            if (bytes.signum() > 0) {
                return bytes.min(BigDecimal.valueOf(Long.MAX_VALUE)).longValue();
            }
        }
        throw new BackpackException(
                "InvalidOption",
                "backpack.cpu.memory is '%s', but must be a number of bytes, or one with KiB, MiB or GiB, such as 512MiB."
                        .formatted(text));
    }

    private static long ofMachine() {
        OperatingSystemMXBean machine = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        return machine == null || machine.getTotalMemorySize() <= 0 ? Long.MAX_VALUE : machine.getTotalMemorySize();
    }
}
