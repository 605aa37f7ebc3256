// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.cockpit.alarm.Alarms;
import java.util.Iterator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads an alarm's name. */
public final class AlarmNames implements ITypeConverter<String>, Iterable<String> {

    @Override
    public String convert(String text) {
        if (!Alarms.NAMES.contains(text)) {
            throw new TypeConversionException("'" + text + "' is not one of " + String.join(", ", Alarms.NAMES));
        }
        return text;
    }

    @Override
    public Iterator<String> iterator() {
        return Alarms.NAMES.iterator();
    }
}
