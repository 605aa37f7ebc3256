// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Suggestions;
import java.io.PrintWriter;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What users see of an error. */
final class Failure {

    private Failure() {}

    /** Prints what failed; the stack trace too if {@code debug}. */
    static void print(Throwable failure, PrintWriter err, boolean debug) {
        err.println(message(failure, debug));
        if (debug) {
            failure.printStackTrace(err);
        }
        err.flush();
    }

    /** Prints what is wrong with the arguments, and where help is. */
    static int printUsage(ParameterException failure) {
        CommandLine command = failure.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("backpack: " + usage(failure));
        if (failure instanceof UnmatchedArgumentException unmatched && unmatched.isUnknownOption()) {
            List<String> suggestions = unmatched.getSuggestions();
            if (!suggestions.isEmpty()) {
                err.println("Did you mean: " + String.join(", ", suggestions) + "?");
            }
        }
        err.println("Run '" + command.getCommandSpec().qualifiedName() + " --help' for help.");
        err.flush();
        return Main.WRONG_USAGE;
    }

    private static String usage(ParameterException failure) {
        if (failure instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()) {
            Set<String> commands = failure.getCommandLine().getSubcommands().keySet();
            if (!commands.isEmpty()) {
                return unknownCommand(unmatched.getUnmatched().get(0), commands);
            }
            return "Argument '" + String.join("', '", unmatched.getUnmatched()) + "' is not expected";
        }
        return String.valueOf(failure.getMessage());
    }

    /** Says that there is no such command, and which is meant or possible. */
    static String unknownCommand(String name, Collection<String> commands) {
        return "Unknown command '%s'. %sPossible: %s."
                .formatted(name, Suggestions.didYouMean(name, commands), String.join(", ", commands));
    }

    static String message(Throwable failure, boolean debug) {
        if (failure instanceof BackpackException known) {
            return "backpack:" + (known.problems().size() > 1 ? "\n" : " ") + known.getMessage();
        }
        if (failure instanceof OutOfMemoryError) {
            return "backpack: [OutOfMemory] Memory is exhausted (%s). Take a smaller batch or fewer quantities per sample, set a budget with --memory, or give the JVM more with BACKPACK_OPTS=-Xmx8g."
                    .formatted(failure.getMessage());
        }
        return "backpack: internal error: %s.%s"
                .formatted(
                        failure.toString().replaceAll("\\s*\\R\\s*", " "),
                        debug ? "" : " Run the command again with --debug for details.");
    }
}
