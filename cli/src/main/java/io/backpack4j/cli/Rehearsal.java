// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** Runs several commands in one JVM, whose classes and profiles the launcher keeps for later ones. */
public final class Rehearsal {

    /** Stands between two commands. */
    private static final String THEN = "then";

    private Rehearsal() {}

    /**
     * Runs the commands in their order, and exits with the code of the first that fails, or 0.
     *
     * @param arguments those of the commands, with {@value #THEN} between two
     */
    public static void main(String... arguments) {
        PrintWriter out = new PrintWriter(System.out, true);
        PrintWriter err = new PrintWriter(System.err, true);
        System.exit(run(out, err, arguments));
    }

    static int run(PrintWriter out, PrintWriter err, String... arguments) {
        for (List<String> command : commands(arguments)) {
            int code = Main.run(out, err, command.toArray(String[]::new));
            if (code != 0) {
                return code;
            }
        }
        return 0;
    }

    private static List<List<String>> commands(String... arguments) {
        List<List<String>> commands = new ArrayList<>(List.of(new ArrayList<>()));
        for (String argument : arguments) {
            if (argument.equals(THEN)) {
                commands.add(new ArrayList<>());
            } else {
                commands.get(commands.size() - 1).add(argument);
            }
        }
        return commands;
    }
}
