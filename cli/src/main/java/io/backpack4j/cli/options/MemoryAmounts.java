// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.spi.MemoryAmount;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads amounts of memory as options' values. */
public final class MemoryAmounts implements ITypeConverter<MemoryAmount> {

    @Override
    public MemoryAmount convert(String text) {
        return MemoryAmount.parse(text)
                .orElseThrow(() -> new TypeConversionException(
                        "'%s' is not an amount of memory: write %s".formatted(text, MemoryAmount.FORM)));
    }
}
