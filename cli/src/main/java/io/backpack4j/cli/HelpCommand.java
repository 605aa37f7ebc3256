// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli;

import io.backpack4j.cli.options.Version;
import java.io.PrintWriter;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints what {@code COMMAND --help} prints. */
@Command(
        name = "help",
        helpCommand = true,
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Show the help of a command, or of all of them.",
        footerHeading = "%nExamples:%n",
        footer = {"  backpack help", "  backpack help evaluate"})
final class HelpCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "COMMAND",
            completionCandidates = Commands.class,
            description = "The command.")
    private @Nullable String command;

    @Override
    public void run() {
        CommandLine root = spec.root().commandLine();
        PrintWriter out = spec.commandLine().getOut();
        subject(root).usage(out);
        out.flush();
    }

    private CommandLine subject(CommandLine root) {
        if (command == null) {
            return root;
        }
        Map<String, CommandLine> commands = root.getSubcommands();
        CommandLine found = commands.get(command);
        if (found == null) {
            throw new ParameterException(root, Failure.unknownCommand(command, commands.keySet()));
        }
        return found;
    }

    /** The names, for completion. */
    static final class Commands implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            return new CommandLine(new Main()).getSubcommands().keySet().iterator();
        }
    }
}
