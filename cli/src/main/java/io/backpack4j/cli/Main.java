package io.backpack4j.cli;

import io.backpack4j.kernel.BackPack;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

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
            PredictCommand.class,
            BenchCommand.class,
            PluginsCommand.class,
            BackendsCommand.class,
            SupportCommand.class,
            DoctorCommand.class,
            GenerateCompletion.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed, with the reason on standard error", "2:wrong usage"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack demo",
            "  backpack evaluate --model m.json --data d.safetensors --extensions BatchGrad,Variance \\",
            "                    --out r.safetensors",
            "  backpack evaluate --help",
            "",
            "BACKPACK_OPTS holds options of the JVM, such as -Xmx8g or -Dbackpack.backend=cpu."
        })
public final class Main implements Runnable {

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

    @Option(
            names = "--backend",
            paramLabel = "ID",
            scope = ScopeType.INHERIT,
            description = "The backend, such as cpu. The best available one by default.")
    private @Nullable String backend;

    @Option(
            names = "--threads",
            paramLabel = "N",
            scope = ScopeType.INHERIT,
            converter = PositiveInteger.class,
            description = "Threads of the backend. All processors by default.")
    private @Nullable Integer threads;

    @Spec
    private CommandSpec spec;

    /** Runs a command and exits with its code. */
    public static void main(String... arguments) {
        Charset charset = charset();
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
                .setParameterExceptionHandler((failure, arguments) -> Failure.printUsage(failure))
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    Main main = command.getCommandSpec().root().commandLine().getCommand();
                    Failure.print(failure, command.getErr(), main.debug);
                    return FAILED;
                });
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

    /** Loads the library as the options say. */
    BackPack open() {
        BackPack.Builder builder = BackPack.builder();
        if (backend != null) {
            builder.backend(backend, "--backend");
        }
        if (threads != null) {
            builder.threads(threads);
        }
        return builder.build();
    }

    /** The number of threads that {@link #open} passes to the backend. */
    int threads() {
        return threads != null
                ? threads
                : Integer.getInteger("backpack.threads", Runtime.getRuntime().availableProcessors());
    }

    private static long wholeNumber(String text) {
        try {
            return Long.parseLong(text.strip());
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a whole number of at most 64 bits");
        }
    }

    /** What the terminal understands. System.out knows it too, but tells nobody before Java 18. */
    static Charset charset() {
        return Stream.of("stdout.encoding", "sun.stdout.encoding", "native.encoding")
                .map(System::getProperty)
                .filter(name -> name != null && Charset.isSupported(name))
                .findFirst()
                .map(Charset::forName)
                .orElseGet(Charset::defaultCharset);
    }
}
