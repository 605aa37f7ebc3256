// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.doctor;

import io.backpack4j.cli.console.CliProblems;
import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.Version;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.BackendInfo;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.backend.Availability;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Tells what this machine has, and what to change. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Check the JVM, its flags, the machine, the plugins and the backends, and advise.",
        footerHeading = "%nExamples:%n",
        footer = {"  backpack doctor", "  backpack doctor --backend cpu --threads 4"})
public final class DoctorCommand implements Runnable {

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        List<Finding> findings = new ArrayList<>();
        findings.addAll(Machine.findings());
        examine("threads", findings, () -> findings.add(threads(main.threads())));
        findings.addAll(JvmFlags.current().findings());
        examine("plugins", findings, () -> examineLibrary(findings));
        print(findings, spec.commandLine().getOut());
        long broken = findings.stream()
                .filter(finding -> finding.state() == Finding.State.BROKEN)
                .count();
        if (broken > 0) {
            throw new BackpackException(
                    CliProblems.BROKEN,
                    "%d of %d checks failed; they stand after '%s' above."
                            .formatted(broken, findings.size(), Finding.State.BROKEN.mark()));
        }
    }

    static void print(List<Finding> findings, PrintWriter out) {
        out.println(Version.program());
        out.println();
        Table table = new Table("", "what", "finding");
        for (Finding finding : findings) {
            table.row(finding.state().mark(), finding.topic(), finding.text());
            if (!finding.advice().isEmpty()) {
                table.row("", "", "  " + finding.advice());
            }
        }
        table.lines().stream().skip(1).forEach(out::println);
        out.flush();
    }

    private void examineLibrary(List<Finding> findings) {
        try (BackPack backpack = main.open()) {
            examine(backpack.catalog(), findings);
            examine("backend", findings, () -> {
                String id = backpack.backend().id();
                findings.add(Finding.fine("backend", id + " is opened by default or as asked for"));
            });
        }
    }

    private static void examine(Catalog catalog, List<Finding> findings) {
        String found = "%d plugins, %d modules, %d losses, %d extensions"
                .formatted(
                        catalog.plugins().size(),
                        catalog.moduleTypes().size(),
                        catalog.lossTypes().size(),
                        catalog.extensionTypes().size());
        findings.add(Finding.fine("plugins", found));
        for (Problem issue : catalog.issues()) {
            findings.add(Finding.advised("plugins", "left out: " + issue, "Replace or remove the plugin's jar."));
        }
        for (BackendInfo backend : catalog.backends()) {
            if (backend.availability() instanceof Availability.Available available) {
                findings.add(Finding.fine("backend", backend.id() + " is available: " + available.description()));
            } else if (backend.availability() instanceof Availability.Unavailable missing) {
                findings.add(Finding.advised(
                        "backend", backend.id() + " is unavailable: " + missing.reason(), missing.remedy()));
            }
        }
    }

    /** Notes it if an examination itself fails. */
    private static void examine(String topic, List<Finding> findings, Runnable examination) {
        try {
            examination.run();
        } catch (BackpackException e) {
            e.problems().forEach(problem -> findings.add(Finding.broken(topic, problem.toString())));
        } catch (RuntimeException | LinkageError e) {
            findings.add(Finding.broken(topic, e.toString()));
        }
    }

    static Finding threads(int threads) {
        int processors = Runtime.getRuntime().availableProcessors();
        String text = "%d for the backend, %d processors".formatted(threads, processors);
        return threads > processors
                ? Finding.advised("threads", text, "More threads than processors are slower: lower --threads.")
                : Finding.fine("threads", text);
    }
}
