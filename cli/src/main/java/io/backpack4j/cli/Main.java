// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli;

import io.backpack4j.cli.audit.AuditCommand;
import io.backpack4j.cli.bench.BenchCommand;
import io.backpack4j.cli.cockpit.CockpitCommand;
import io.backpack4j.cli.completion.CompletionCommand;
import io.backpack4j.cli.console.Terminal;
import io.backpack4j.cli.convert.ConvertCommand;
import io.backpack4j.cli.demo.DemoCommand;
import io.backpack4j.cli.doctor.DoctorCommand;
import io.backpack4j.cli.evaluate.EvaluateCommand;
import io.backpack4j.cli.inspect.InspectCommand;
import io.backpack4j.cli.listing.BackendsCommand;
import io.backpack4j.cli.listing.PluginsCommand;
import io.backpack4j.cli.options.LibraryOptions;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.Version;
import io.backpack4j.cli.predict.PredictCommand;
import io.backpack4j.cli.support.SupportCommand;
import io.backpack4j.cli.train.TrainCommand;
import io.backpack4j.kernel.BackPack;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command {@code backpack}: options that all commands have, and how errors become exit codes. */
@Command(
        name = "backpack",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND",
        description = "Per-sample gradients, gradient statistics and curvature from one backward pass.",
        subcommands = {
            DemoCommand.class,
            EvaluateCommand.class,
            TrainCommand.class,
            CockpitCommand.class,
            PredictCommand.class,
            AuditCommand.class,
            ConvertCommand.class,
            InspectCommand.class,
            BenchCommand.class,
            PluginsCommand.class,
            BackendsCommand.class,
            SupportCommand.class,
            DoctorCommand.class,
            CompletionCommand.class,
            HelpCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed, with the reason on standard error", "2:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack demo",
            "  backpack train",
            "  backpack evaluate --model m.json --data d.safetensors --extensions BatchGrad,Variance \\",
            "                    --out r.safetensors",
            "  backpack evaluate --help",
            "",
            "BACKPACK_OPTS holds options of the JVM, such as -Xmx8g or -Dbackpack.backend=cpu."
        })
public final class Main implements RootCommand, Runnable {

    static final int FAILED = 1;
    static final int WRONG_USAGE = 2;

    private static final int HELP_COLUMNS = 100;

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show stack traces of errors.")
    private boolean debug;

    @Option(
            names = "--plugins",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description =
                    "A directory of plugin jars, or one jar, for the class path. May be repeated. The launcher reads it.")
    @SuppressWarnings("UnusedVariable")
    private List<Path> plugins = List.of();

    @Mixin
    private final LibraryOptions library = new LibraryOptions();

    @Spec
    private CommandSpec spec;

    /** Runs a command and exits with its code. */
    public static void main(String... arguments) {
        Charset charset = Terminal.charset();
        PrintWriter out = new PrintWriter(new FileOutputStream(FileDescriptor.out), false, charset);
        PrintWriter err = new PrintWriter(new FileOutputStream(FileDescriptor.err), true, charset);
        int code = run(out, err, arguments);
        out.flush();
        err.flush();
        System.exit(code);
    }

    /** Runs a command in this JVM and returns its exit code: 0, 1 for a failure, 2 for wrong usage. */
    public static int run(PrintWriter out, PrintWriter err, String... arguments) {
        return execute(commandLine(out, err), arguments);
    }

    static CommandLine commandLine(PrintWriter out, PrintWriter err) {
        return new CommandLine(new Main())
                .setOut(out)
                .setErr(err)
                .setUsageHelpWidth(HELP_COLUMNS)
                .registerConverter(long.class, Main::wholeNumber)
                .setExecutionStrategy(Main::execute)
                .setParameterExceptionHandler((failure, arguments) -> Failure.printUsage(failure))
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    Main main = command.getCommandSpec().root().commandLine().getCommand();
                    Failure.print(failure, command.getErr(), main.debug);
                    return FAILED;
                });
    }

    /** Refuses an unknown command even if help is asked for: that of the root would hide the mistake. */
    private static int execute(ParseResult parsed) {
        if (!parsed.hasSubcommand() && !parsed.unmatched().isEmpty()) {
            throw new UnmatchedArgumentException(parsed.commandSpec().commandLine(), parsed.unmatched());
        }
        return new RunLast().execute(parsed);
    }

    static int execute(CommandLine commandLine, String... arguments) {
        try {
            return commandLine.execute(arguments);
        } catch (StackOverflowError | OutOfMemoryError | LinkageError e) {
            Main main = commandLine.getCommand();
            Failure.print(e, commandLine.getErr(), main.debug);
            return FAILED;
        }
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "A command is needed.");
    }

    @Override
    public BackPack open() {
        return library.open();
    }

    @Override
    public int threads() {
        return library.threads();
    }

    private static long wholeNumber(String text) {
        try {
            return Long.parseLong(text.strip());
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a whole number of at most 64 bits");
        }
    }
}
