// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.formats.ExtensionExpressions;
import picocli.CommandLine.Option;

/** The thresholds of alarms. */
public final class AlarmOption {

    @Option(
            names = "--alarms",
            paramLabel = "NAME=VALUE,...",
            defaultValue = "",
            description = "Thresholds of alarms, such as 'window=50,largest_alpha=0.8'.")
    private String thresholds;

    public AlarmOptions value() {
        return thresholds.isBlank()
                ? AlarmOptions.DEFAULT
                : AlarmOptions.of(ExtensionExpressions.parse("alarms(" + thresholds + ")")
                        .get(0)
                        .options());
    }
}
