// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.audit;

import io.backpack4j.cli.console.Table;
import io.backpack4j.cli.console.Text;
import io.backpack4j.cli.files.FileNames;
import io.backpack4j.cli.files.ResultFile;
import io.backpack4j.cli.options.FileDtypeOption;
import io.backpack4j.cli.options.LabelScoreNames;
import io.backpack4j.cli.options.ModelOption;
import io.backpack4j.cli.options.NonNegativeNumber;
import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.cli.options.RootCommand;
import io.backpack4j.cli.options.Version;
import io.backpack4j.cli.report.AuditReport;
import io.backpack4j.cli.report.HtmlReport;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.influence.LabelAudit;
import io.backpack4j.influence.LabelScore;
import io.backpack4j.influence.LabelScores;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.extension.CurvatureExtension;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Finds labels that are probably wrong. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description =
                "Find labels of a classifier's data that are probably wrong, by loss, gradient norm, self-influence and"
                        + " alignment: prints the most suspicious samples and writes a page that shows them.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  backpack audit --model backpack-run --out page.html",
            "  backpack audit --model backpack-run --data images-idx3-ubyte.gz,labels-idx1-ubyte.gz \\",
            "                 --out page.html",
            "  backpack audit --model m.json --data d.safetensors --score self_influence --out page.html \\",
            "                 --scores scores.safetensors"
        })
public final class AuditCommand implements Runnable {

    private static final int PRINTED = 10;

    @ParentCommand
    private RootCommand main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private final ModelOption model = new ModelOption();

    @Option(
            names = "--data",
            paramLabel = "DATA",
            description =
                    "The samples and their labels, as train takes them: IMAGES,LABELS as IDX files, a safetensors file with input and target, CSV, .npz, CIFAR's .bin files, a folder with a folder of pictures per class. The digits that ship with this program by default.")
    private @Nullable String data;

    @Option(
            names = "--weights",
            paramLabel = "FILE",
            description =
                    "Parameters and buffers, as safetensors. Those of the run's folder or of the data file by default.")
    private @Nullable Path weightsFile;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            required = true,
            description = "The page, an HTML file that needs no network.")
    private Path page;

    @Option(
            names = "--scores",
            paramLabel = "FILE",
            description = "Write all scores, labels and predicted classes, each [N], into this safetensors file, too.")
    private @Nullable Path scoresFile;

    @Option(
            names = "--score",
            paramLabel = "SCORE",
            defaultValue = "loss",
            converter = LabelScoreNames.class,
            completionCandidates = LabelScoreNames.class,
            description = "What orders the samples: ${COMPLETION-CANDIDATES}. ${DEFAULT-VALUE} by default.")
    private LabelScore score;

    @Option(
            names = "--top",
            paramLabel = "N",
            defaultValue = "50",
            converter = PositiveInteger.class,
            description = "How many samples the page shows. ${DEFAULT-VALUE} by default.")
    private Integer top;

    @Option(
            names = "--damping",
            paramLabel = "L",
            defaultValue = "0.1",
            converter = NonNegativeNumber.class,
            description = "What is added to the curvature of the self-influence (KFAC). ${DEFAULT-VALUE} by default.")
    private Double damping;

    @Option(
            names = "--batch",
            paramLabel = "N",
            defaultValue = "256",
            converter = PositiveInteger.class,
            description = "Samples per pass: gradients of so many are in memory at once. ${DEFAULT-VALUE} by default.")
    private Integer batch;

    @Mixin
    private final FileDtypeOption dtype = new FileDtypeOption();

    @Override
    public void run() {
        requireFiles();
        try (BackPack backpack = main.open();
                AuditInputs inputs = AuditInputs.read(backpack, model, data, weightsFile, dtype.value())) {
            CurvatureExtension<?> curvature =
                    (CurvatureExtension<?>) backpack.catalog().extension("KFAC", Map.of());
            LabelScores scores =
                    LabelAudit.scores(backpack, inputs.model(), curvature, damping, inputs.source(), batch);
            Suspects suspects = new Suspects(scores, score, Math.min(top, scores.samples()));
            AuditReport report = suspects.report(
                    inputs, model.file().toString(), damping, backpack.backend().id());
            if (scoresFile != null) {
                ScoresFile.write(scoresFile, scores);
            }
            HtmlReport.write(report, page);
            print(suspects);
        }
    }

    private void requireFiles() {
        Problems problems = new Problems();
        problems.collect(() -> FileNames.requireExtension("--out", page, "The page is HTML", ".html"));
        problems.collect(() -> requireFolder(page));
        if (scoresFile != null) {
            Path file = scoresFile;
            problems.collect(() -> requireFolder(file));
            problems.collect(() ->
                    FileNames.requireExtension("--scores", file, "Scores are written as safetensors", ".safetensors"));
            if (weightsFile != null) {
                Path weights = weightsFile;
                problems.collect(() -> ResultFile.requireOther("--scores", file, weights));
            }
            if (data != null) {
                String samples = data;
                problems.collect(() -> ResultFile.requireOther("--scores", file, Path.of(samples)));
            }
        }
        problems.throwIfAny();
    }

    /** What would be found out when all is computed is said before. */
    private static void requireFolder(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new BackpackException(
                    FormatProblems.UNWRITABLE_FILE,
                    "File '%s' cannot be written: there is no folder '%s'. Make it, or name another place."
                            .formatted(file, folder));
        }
    }

    private void print(Suspects suspects) {
        PrintWriter out = spec.commandLine().getOut();
        Table table = new Table(">sample", ">label", ">p", ">predicted", ">p", ">" + Text.of(score));
        suspects.most(PRINTED)
                .forEach(one -> table.row(
                        String.valueOf(one.id()),
                        String.valueOf(one.label()),
                        Text.format("%.3f", one.labelProbability()),
                        String.valueOf(one.predicted()),
                        Text.format("%.3f", one.predictedProbability()),
                        Text.number(one.values().getOrDefault(Text.of(score), Double.NaN))));
        table.print(out);
        out.println("The page is in " + page);
        if (scoresFile != null) {
            out.println("All scores are in " + scoresFile);
        }
        out.flush();
    }
}
