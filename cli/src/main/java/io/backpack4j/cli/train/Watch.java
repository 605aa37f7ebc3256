// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.alarm.Alarm;
import io.backpack4j.cockpit.alarm.AlarmOptions;
import io.backpack4j.cockpit.page.CockpitPage;
import io.backpack4j.cockpit.page.LivePage;
import io.backpack4j.cockpit.trainer.CockpitListener;
import io.backpack4j.training.Trainer;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A run's cockpit with its live page, which ends with it. */
final class Watch implements AutoCloseable {

    private final CockpitListener listener;
    private final LivePage page;
    private final String name;
    private final Path log;
    private final AlarmOptions thresholds;

    /**
     * Opens the page.
     *
     * @param cockpit what is tracked
     * @param name of the run, on the page
     */
    Watch(Cockpit.Builder cockpit, CockpitOptions options, RunFolder run, Path log, String name) {
        this.page = LivePage.open(options.port(), name, options.thresholds());
        this.listener = new CockpitListener(
                cockpit.log(log).folder(run.folder().toAbsolutePath()), Set.copyOf(options.stopsOn()), List.of(page));
        this.name = name;
        this.log = log;
        this.thresholds = options.thresholds();
    }

    void attach(Trainer.Builder builder) {
        builder.listener(listener).log(listener.log());
    }

    URI address() {
        return page.address();
    }

    List<Alarm> alarms() {
        return listener.alarms();
    }

    void report(Path target) {
        CockpitPage.write(Map.of(name, Cockpit.load(log)), thresholds, target);
    }

    @Override
    public void close() {
        page.close();
    }
}
