// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads numbers of things. */
public final class PositiveInteger implements ITypeConverter<Integer> {

    @Override
    public Integer convert(String text) {
        try {
            int value = Integer.parseInt(text.strip());
            if (value > 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // falls through to the one message for all wrong values
        }
        throw new TypeConversionException("'" + text + "' is not a positive whole number");
    }
}
