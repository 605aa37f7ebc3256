// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every program of the gallery runs and says what its text promises. */
class GalleryTest {

    private static final Path SOURCES = Path.of("src/main/java/io/backpack4j/gallery");

    /** A regular expression for the output of each. */
    private static final Map<Class<?>, String> OUTPUTS = Map.ofEntries(
            Map.entry(FirstOrder.class, "the sum is the gradient: true"),
            Map.entry(SecondOrder.class, "KFLR of the last weight: \\[10, 10\\] ⊗ \\[16, 16\\]"),
            Map.entry(GradientOutliers.class, "\\b[3-9] of the 10 longest have a wrong label"),
            Map.entry(Subsamples.class, "the first of them is sample 5: true"),
            Map.entry(ResidualNetwork.class, "conv2.weight/grad_batch +\\[16, 8, 8, 1, 1\\]"),
            Map.entry(RecurrentNetwork.class, "1.weight_hh_l0/batch_l2 +\\[32\\]"),
            Map.entry(TangentKernel.class, "\\b(4\\d|50) of 50 unseen digits"),
            Map.entry(OnnxModels.class, "losses (\\d\\.\\d{5})\\d and \\1"),
            Map.entry(TraceEstimation.class, "exact trace 6\\..*\\n(?s:.*)128 draws   [56]\\."),
            Map.entry(Jacobians.class, "both ways agree: true"),
            Map.entry(VarianceGradient.class, "weight 2  by products (-?\\d\\.\\d{5})\\d, by differences \\1"),
            Map.entry(LeadingDirections.class, "640 eigenvalues(?s:.*)the step takes the loss from"),
            Map.entry(Training.class, "epoch 8  loss 0.*accuracy 0.[7-9]"),
            Map.entry(CurvatureOptimizer.class, "epoch 6  loss 0"),
            Map.entry(NewtonSteps.class, "NewtonCG .*of epoch 6 [01]\\."),
            Map.entry(CockpitRun.class, "steps in the log: 120"),
            Map.entry(PrivateTraining.class, "ε spent (2\\.9|3\\.0)"),
            Map.entry(Uncertainty.class, "largest probability of noise(?s:.*)nll"),
            Map.entry(WhoDidThat.class, "(training digit.*\\n?){5}"),
            Map.entry(Pruning.class, "6365 weights taken out"),
            Map.entry(Sessions.class, "variance is that of one pass: true"),
            Map.entry(MemoryBudget.class, "(same numbers: true\\s(?s:.*)){3}"),
            Map.entry(HandedOver.class, "several parts"),
            Map.entry(CustomModule.class, "they agree: true"),
            Map.entry(CustomLoss.class, "step 200  loss 0"),
            Map.entry(CustomExtension.class, "bias 9  (\\d\\.\\d{5})\\d*e-03  from individual gradients \\1"));

    @TempDir
    private Path pictures;

    static List<Class<?>> programs() {
        return Gallery.ROOMS.stream().flatMap(room -> room.programs().stream()).toList();
    }

    @ParameterizedTest
    @MethodSource("programs")
    void a_program_runs_and_says_what_it_should(Class<?> program) throws ReflectiveOperationException {
        assertThat(Gallery.run(program, pictures)).containsPattern(OUTPUTS.get(program));
    }

    @Test
    void every_program_is_shown_once() throws IOException {
        List<String> shown = programs().stream().map(Class::getSimpleName).toList();
        assertThat(shown).doesNotHaveDuplicates();
        try (Stream<Path> files = Files.list(SOURCES)) {
            List<String> written = files.map(
                            file -> file.getFileName().toString().replace(".java", ""))
                    .filter(name -> !List.of("package-info", "Gallery", "Digits", "Picture")
                            .contains(name))
                    .toList();
            assertThat(shown).containsExactlyInAnyOrderElementsOf(written);
        }
    }
}
