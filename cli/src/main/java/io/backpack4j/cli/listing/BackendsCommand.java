// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.listing;

import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.Version;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.BackendInfo;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.backend.Availability;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Lists the backends and whether they can run here. */
@Command(
        name = "backends",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "List the backends, whether they can run here, and if not, what to do about it.",
        footerHeading = "%nExample:%n",
        footer = "  backpack backends")
public final class BackendsCommand implements Runnable {

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        try (BackPack backpack = main.open()) {
            print(backpack.catalog(), out);
        }
        out.flush();
    }

    static void print(Catalog catalog, PrintWriter out) {
        if (catalog.backends().isEmpty()) {
            out.println("No backends are on the class path: add a jar such as backpack4j-backend-cpu.");
        }
        for (BackendInfo backend : catalog.backends()) {
            String head = "%s (priority %d): ".formatted(backend.id(), backend.priority());
            if (backend.availability() instanceof Availability.Available available) {
                out.println(head + "available");
                out.println("  " + available.description());
            } else if (backend.availability() instanceof Availability.Unavailable unavailable) {
                out.println(head + "unavailable");
                out.println("  " + unavailable.reason() + " " + unavailable.remedy());
            }
        }
    }
}
