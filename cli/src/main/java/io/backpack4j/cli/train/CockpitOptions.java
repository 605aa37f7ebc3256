// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.options.AlarmNames;
import io.backpack4j.cli.options.AlarmOption;
import io.backpack4j.cli.options.CockpitConfigurations;
import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.quantity.Schedule;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What a cockpit watches while a network trains. */
final class CockpitOptions {

    @Option(
            names = "--cockpit",
            paramLabel = "SET",
            converter = CockpitConfigurations.class,
            completionCandidates = CockpitConfigurations.class,
            description = "Watch the run with a set of quantities: economy, business or full. Prints the address of a"
                    + " live page on this machine; the run's report is that page.")
    private @Nullable String configuration;

    @Option(
            names = "--quantities",
            paramLabel = "A,B,...",
            description =
                    "Quantities to watch, with options, such as 'GradHist1d(bins=10,as=narrow),HessTrace'; with --cockpit beside its set.")
    private @Nullable String quantities;

    @Option(
            names = "--track",
            paramLabel = "SCHEDULE",
            description =
                    "When quantities are due that name no schedule: 'linear(interval=10)', 'logarithmic(start=0,end=3)'. Every step by default.")
    private @Nullable String schedule;

    @Option(
            names = "--stop-on",
            paramLabel = "ALARM,...",
            split = ",",
            converter = AlarmNames.class,
            completionCandidates = AlarmNames.class,
            description = "End the run, with a checkpoint, at these alarms: ${COMPLETION-CANDIDATES}.")
    private List<String> stopsOn = List.of();

    @Option(
            names = "--port",
            paramLabel = "PORT",
            description = "The port of the live page. Any that is free by default.")
    private @Nullable Integer port;

    @Mixin
    private final AlarmOption alarms = new AlarmOption();

    /** Whether there is a cockpit. */
    boolean isOn() {
        return configuration != null || quantities != null;
    }

    /** Refuses options that say something of a cockpit where there is none. */
    void check() {
        if (!isOn() && (schedule != null || !stopsOn.isEmpty() || port != null)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "--track, --stop-on and --port say what a cockpit does, but there is none. Switch it on with --cockpit or --quantities.");
        }
        if (isOn()) {
            thresholds();
            builderSchedule();
        }
    }

    private Schedule builderSchedule() {
        return schedule == null ? Schedule.always() : Schedule.parse(schedule);
    }

    /** A cockpit for a model, without a log. */
    Cockpit.Builder builder(BackPack backpack, Model model) {
        Cockpit.Builder builder =
                Cockpit.builder(backpack, model).track(builderSchedule()).alarms(thresholds());
        if (configuration != null) {
            builder.quantities(configuration);
        }
        if (quantities != null) {
            builder.quantities(quantities);
        }
        return builder;
    }

    List<String> stopsOn() {
        return List.copyOf(stopsOn);
    }

    /** The port; 0 for any. */
    int port() {
        return port == null ? 0 : port;
    }

    AlarmOptions thresholds() {
        return alarms.value();
    }
}
