package io.backpack4j.cli;

import java.math.BigDecimal;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * An amount of memory.
 *
 * @param bytes at least one
 */
record MemorySize(long bytes) {

    private static final Pattern TEXT = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)\\s*([KMGT]iB|B|)");
    private static final List<String> UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB");

    /** Reads such as {@code 512MiB}. */
    static MemorySize parse(String text) {
        Matcher matcher = TEXT.matcher(text.strip());
        if (matcher.matches()) {
            BigDecimal unit = BigDecimal.valueOf(1L << (10 * Math.max(0, UNITS.indexOf(matcher.group(2)))));
            BigDecimal bytes = new BigDecimal(matcher.group(1)).multiply(unit);
            if (bytes.compareTo(BigDecimal.ONE) >= 0 && bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) <= 0) {
                return new MemorySize(bytes.longValue());
            }
        }
        throw new TypeConversionException("'" + text
                + "' is not an amount of memory: write a number of bytes, or one with KiB, MiB or GiB, such as 512MiB");
    }

    /** In the largest unit that leaves at least one. */
    @Override
    public String toString() {
        int unit = bytes < 1024 ? 0 : Math.min(UNITS.size() - 1, (63 - Long.numberOfLeadingZeros(bytes)) / 10);
        double amount = Math.scalb((double) bytes, -10 * unit);
        return unit == 0 ? bytes + " B" : Text.format("%.1f %s", amount, UNITS.get(unit));
    }

    /** Reads it as an option's value. */
    static final class Converter implements ITypeConverter<MemorySize> {

        @Override
        public MemorySize convert(String text) {
            return parse(text);
        }
    }
}
