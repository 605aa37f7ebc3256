// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.cockpit;

import io.backpack4j.cli.files.RunFolder;
import io.backpack4j.cli.options.AlarmOption;
import io.backpack4j.cli.options.Version;
import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.log.GrowingLog;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.page.CockpitPage;
import io.backpack4j.cockpit.page.LivePage;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows logs of runs, also while they go on. */
@Command(
        name = "cockpit",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description =
                "Show what happened in a run of training, or compare several: prints the address of a page on this"
                        + " machine until it is interrupted, or writes the page into a file.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack cockpit backpack-run/run.jsonl",
            "  backpack cockpit slow/run.jsonl fast/run.jsonl --out comparison.html"
        })
public final class CockpitCommand implements Runnable {

    private static final long POLL_MILLISECONDS = 250;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "LOG", arity = "1..*", description = "Logs of runs, or folders of runs.")
    private List<Path> paths = List.of();

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Write the page into this HTML file, which needs no network, instead of serving it.")
    private @Nullable Path target;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "0",
            description = "The port of the page. Any that is free by default.")
    private int port;

    @Mixin
    private final AlarmOption alarms = new AlarmOption();

    @Override
    public void run() {
        Map<String, Path> logs = new LinkedHashMap<>();
        paths.forEach(path -> logs.put(
                path.toString(), RunFolder.find(path).map(RunFolder::log).orElse(path)));
        if (target == null) {
            serve(logs);
        } else {
            write(logs, target);
        }
    }

    private void write(Map<String, Path> logs, Path file) {
        Map<String, RunLog> runs = new LinkedHashMap<>();
        logs.forEach((name, path) -> runs.put(name, Cockpit.load(path)));
        CockpitPage.write(runs, alarms.value(), file);
        print("The page is in " + file.toAbsolutePath());
    }

    private void serve(Map<String, Path> logs) {
        logs.values().forEach(Cockpit::load);
        if (logs.size() > 1) {
            try (LivePage page = LivePage.open(port, logs, alarms.value())) {
                announce(page);
                while (sleep()) {
                    // The page reads the logs itself.
                }
            }
            return;
        }
        Map.Entry<String, Path> only = logs.entrySet().iterator().next();
        try (LivePage page = LivePage.open(port, only.getKey(), alarms.value());
                GrowingLog log = new GrowingLog(only.getValue())) {
            announce(page);
            do {
                log.newLines().forEach(page);
            } while (sleep());
        }
    }

    private void announce(LivePage page) {
        print("The page is at " + page.address() + " until this program is interrupted");
    }

    private void print(String line) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(line);
        out.flush();
    }

    /** Waits a little; false if the thread was interrupted. */
    private static boolean sleep() {
        try {
            Thread.sleep(POLL_MILLISECONDS);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
