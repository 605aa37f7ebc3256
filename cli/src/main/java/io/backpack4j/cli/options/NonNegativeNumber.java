// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads amounts that may be zero. */
public final class NonNegativeNumber implements ITypeConverter<Double> {

    @Override
    public Double convert(String text) {
        try {
            double value = Double.parseDouble(text.strip());
            if (value >= 0 && Double.isFinite(value)) {
                return value;
            }
        } catch (NumberFormatException e) {
            // falls through to the one message for all wrong values
        }
        throw new TypeConversionException("'" + text + "' is not a number of at least 0");
    }
}
