// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of memory, as people write it.
 *
 * @param bytes at least one
 */
public record MemoryAmount(long bytes) {

    /** What can be read, for messages. */
    public static final String FORM = "a number of bytes, or one with KiB, MiB or GiB, such as 512MiB";

    private static final Pattern TEXT = Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,18})?)\\s*([KMGT]iB|B|)");
    private static final List<String> UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB");

    /** Reads such as {@code 512MiB}; empty if the text is not of that {@link #FORM}, or is less than a byte. */
    public static Optional<MemoryAmount> parse(String text) {
        Matcher matcher = TEXT.matcher(text.strip());
        if (matcher.matches()) {
            BigDecimal unit = BigDecimal.valueOf(1L << (10 * Math.max(0, UNITS.indexOf(matcher.group(2)))));
            BigDecimal bytes = new BigDecimal(matcher.group(1)).multiply(unit);
            if (bytes.compareTo(BigDecimal.ONE) >= 0 && bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) <= 0) {
                return Optional.of(new MemoryAmount(bytes.longValue()));
            }
        }
        return Optional.empty();
    }

    /** In the largest unit that leaves at least one. */
    @Override
    public String toString() {
        int unit = bytes < 1024 ? 0 : Math.min(UNITS.size() - 1, (63 - Long.numberOfLeadingZeros(bytes)) / 10);
        double amount = Math.scalb((double) bytes, -10 * unit);
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", amount, UNITS.get(unit));
    }
}
