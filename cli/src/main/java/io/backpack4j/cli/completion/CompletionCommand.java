// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.completion;

import io.backpack4j.cli.options.Version;
import java.io.PrintWriter;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints a script with which a shell completes commands, options, and names of extensions, backends and models. */
@Command(
        name = "generate-completion",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Print a script with which bash and zsh complete commands, options and their values: names of"
                + " extensions and backends on the class path included.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  source <(backpack generate-completion)",
            "  source <(backpack generate-completion --plugins ~/jars)"
        })
public final class CompletionCommand implements Runnable {

    /** The line of the script's function {@code compReplyArray} that makes the candidates. */
    private static final String MATCH = "  echo -e \"$(compgen -W \"${optionList[*]}\" -- \"$curr_word\")\"\n";

    /** Names in a list are completed one by one. What is no name, such as a model, may be a file. */
    private static final String MATCH_LISTS_AND_FILES = """
              local before=""
              if [[ "$curr_word" == *,* ]]; then
                before="${curr_word%,*},"
                curr_word="${curr_word##*,}"
              fi
              local matches
              matches="$(compgen -P "$before" -W "${optionList[*]}" -- "$curr_word")"
              if [ -z "$matches" ]; then
                matches="$(compgen -P "$before" -f -- "$curr_word")"
              fi
              echo -e "$matches"
            """;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        CommandSpec root = spec.root();
        PrintWriter out = spec.commandLine().getOut();
        out.print(refined(AutoComplete.bash(root.name(), root.commandLine())));
        out.println();
        out.flush();
    }

    /** Adds lists and files to picocli's script, which completes whole values only. */
    static String refined(String script) {
        if (!script.contains(MATCH)) {
            throw new IllegalStateException("The completion script has another form than expected");
        }
        return script.replace(MATCH, MATCH_LISTS_AND_FILES);
    }
}
