// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.BackPack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What messages advise exists: modules, losses, extensions, commands, options and methods that the program's texts
 * name.
 */
class RemediesTest {

    /** What PyTorch and BackPACK have, that somebody may advise by habit. */
    private static final Set<String> NAMES_ELSEWHERE = Set.of("""
            AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveLogSoftmaxWithLoss AdaptiveMaxPool1d AdaptiveMaxPool2d
            AdaptiveMaxPool3d AlphaDropout AvgPool1d AvgPool2d AvgPool3d BCELoss BCEWithLogitsLoss BatchNorm1d BatchNorm2d
            BatchNorm3d Bilinear CELU CTCLoss ChannelShuffle CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d
            ConstantPad3d Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d CosineEmbeddingLoss CosineSimilarity
            CrossEntropyLoss Dropout1d Dropout2d Dropout3d ELU Embedding EmbeddingBag FeatureAlphaDropout FractionalMaxPool2d
            FractionalMaxPool3d GELU GLU GRU GRUCell GaussianNLLLoss GroupNorm Hardshrink Hardsigmoid Hardswish Hardtanh
            HingeEmbeddingLoss HuberLoss InstanceNorm1d InstanceNorm2d InstanceNorm3d KLDivLoss L1Loss LPPool1d LPPool2d LPPool3d
            LSTM LSTMCell LayerNorm LazyLinear LeakyReLU LocalResponseNorm LogSigmoid LogSoftmax MSELoss MarginRankingLoss MaxPool1d
            MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Mish MultiLabelMarginLoss MultiLabelSoftMarginLoss
            MultiMarginLoss MultiheadAttention NLLLoss NLLLoss2d PReLU PairwiseDistance PixelShuffle PixelUnshuffle PoissonNLLLoss
            RMSNorm RNN RNNCell RReLU ReLU ReLU6 ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d
            ReplicationPad3d SELU SiLU SmoothL1Loss SoftMarginLoss Softmax Softmax2d Softmin Softplus Softshrink Softsign
            SyncBatchNorm Tanhshrink TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer
            TripletMarginLoss TripletMarginWithDistanceLoss Unflatten Upsample UpsamplingBilinear2d UpsamplingNearest2d ZeroPad1d
            ZeroPad2d ZeroPad3d BatchGrad BatchL2Grad SumGradSquared Variance DiagGGNExact DiagGGNMC BatchDiagGGNExact BatchDiagGGNMC
            DiagHessian BatchDiagHessian SqrtGGNExact SqrtGGNMC KFAC KFLR KFRA GGNMP HMP PCHMP ClippedGrad GgnEigenvalues GgnEigenvectors
            DirectionalDerivatives DirectionalDampedNewton GramBatchGrad CenteredGramBatchGrad GramSqrtGGNExact GramSqrtGGNMC Ntk
            CenteredBatchGrad TrainDiagGGNExact""".split("\\s+"));

    /** Options of other programs, by the file that names them. */
    private static final Map<String, Set<String>> OTHERS_OPTIONS = Map.of(
            "JvmFlags.java",
            Set.of("--enable-native-access", "--sun-misc-unsafe-memory-access"),
            "JCudaCompiler.java",
            Set.of("--gpu-architecture", "--std", "--define-macro"),
            "CudaProbe.java",
            Set.of("--gpus"),
            "StateSize.java",
            Set.of("--conf"),
            "Sendable.java",
            Set.of("--jars"));

    private static final Pattern LITERAL = Pattern.compile("\"((?:[^\"\\\\\\n]|\\\\.)*)\"");
    private static final Pattern WORD = Pattern.compile("[A-Za-z][A-Za-z0-9]*");
    private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z-]*[a-z]");
    private static final Pattern COMMAND = Pattern.compile("'backpack ([a-z]+)");
    private static final Pattern METHOD = Pattern.compile("\\b([A-Z][A-Za-z]+)\\.([a-z][A-Za-z]*)\\b");

    /** Where texts stand: file name to its literals. */
    private static final Map<Path, List<String>> LITERALS = new LinkedHashMap<>();

    private static final Map<String, String> SOURCES = new HashMap<>();

    @BeforeAll
    static void read() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(".."))) {
            for (Path file : files.filter(RemediesTest::isOurs).sorted().toList()) {
                String source = Files.readString(file);
                SOURCES.put(String.valueOf(file.getFileName()), source);
                List<String> literals = new ArrayList<>();
                source.lines()
                        .filter(line ->
                                !line.strip().startsWith("*") && !line.strip().startsWith("//"))
                        .forEach(
                                line -> LITERAL.matcher(line).results().forEach(found -> literals.add(found.group(1))));
                LITERALS.put(file, literals);
            }
        }
        assertThat(LITERALS).hasSizeGreaterThan(200);
    }

    private static boolean isOurs(Path file) {
        String path = file.toString().replace('\\', '/');
        return path.endsWith(".java") && path.contains("/src/main/java/") && !path.contains("/testkit/");
    }

    @Test
    void modules_losses_and_extensions_exist() {
        Set<String> available = new HashSet<>();
        try (BackPack backpack = BackPack.create()) {
            available.addAll(backpack.catalog().moduleTypes());
            available.addAll(backpack.catalog().lossTypes());
            available.addAll(backpack.catalog().extensionTypes());
        }
        // These stand in the texts, so that the search is known to see something.
        assertThat(found(WORD)).containsKeys("KFLR", "KFAC", "CrossEntropyLoss");
        Map<String, Set<String>> missing = found(WORD);
        missing.keySet().removeIf(word -> !NAMES_ELSEWHERE.contains(word) || available.contains(word));
        assertThat(missing).isEmpty();
    }

    @Test
    void options_and_commands_exist() {
        StringBuilder help = new StringBuilder(Run.of("--help").out());
        Map<String, Set<String>> commands = found(COMMAND);
        assertThat(commands).containsKeys("support", "demo");
        for (String command : List.of(
                "demo",
                "evaluate",
                "train",
                "cockpit",
                "predict",
                "audit",
                "convert",
                "inspect",
                "bench",
                "plugins",
                "backends",
                "support",
                "doctor")) {
            Run run = Run.of(command, "--help");
            assertThat(run.code()).isZero();
            help.append(run.out());
        }
        commands.forEach(
                (command, files) -> assertThat(Run.of(command, "--help").code())
                        .as("'backpack %s', named in %s", command, files)
                        .isZero());
        Set<String> available = new TreeSet<>();
        OPTION.matcher(help).results().forEach(option -> available.add(option.group()));
        Map<String, Set<String>> missing = found(OPTION);
        assertThat(missing).containsKeys("--memory", "--max-output");
        missing.forEach((option, files) -> files.removeIf(file -> available.contains(option)
                || OTHERS_OPTIONS.getOrDefault(file, Set.of()).contains(option)));
        missing.values().removeIf(Set::isEmpty);
        assertThat(missing).isEmpty();
    }

    @Test
    void methods_exist() {
        Set<String> missing = new TreeSet<>();
        int seen = 0;
        for (Map.Entry<Path, List<String>> file : LITERALS.entrySet()) {
            for (String literal : file.getValue()) {
                Matcher method = METHOD.matcher(literal);
                while (method.find()) {
                    String source = SOURCES.get(method.group(1) + ".java");
                    if (source != null) {
                        seen++;
                        if (!Pattern.compile("\\b" + method.group(2) + "\\(")
                                .matcher(source)
                                .find()) {
                            missing.add(method.group() + " in " + file.getKey());
                        }
                    }
                }
            }
        }
        assertThat(seen).isGreaterThanOrEqualTo(8);
        assertThat(missing).isEmpty();
    }

    /** What a pattern finds in all sentences, with the names of the files. */
    private static Map<String, Set<String>> found(Pattern pattern) {
        Map<String, Set<String>> found = new HashMap<>();
        LITERALS.forEach((file, literals) -> {
            String name = String.valueOf(file.getFileName());
            literals.stream()
                    .filter(literal -> literal.contains(" "))
                    .flatMap(literal -> pattern.matcher(literal).results())
                    .forEach(hit -> found.computeIfAbsent(hit.group(hit.groupCount()), key -> new TreeSet<>())
                            .add(name));
        });
        return found;
    }
}
