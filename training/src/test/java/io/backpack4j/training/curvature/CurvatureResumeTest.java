// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.curvature;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Toys;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.files.CheckpointFolder;
import io.backpack4j.training.files.JsonLog;
import io.backpack4j.training.files.TrainingExpressions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Optimisers that average, invert and damp go on with the same bits, wherever between their updates they were stopped.
 */
class CurvatureResumeTest {

    private static BackPack backpack;

    @TempDir
    private Path folder;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static Model model() {
        Graph graph = Graph.sequential(new Linear(4, 6), new Tanh(), new Dropout(0.2), new Linear(6, 3));
        Model model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT32, Shape.of(4));
        model.parameters().initialize(3);
        return model;
    }

    private static Trainer.Builder builder(Model model, Path folder, String optimizer) {
        return Trainer.builder(backpack, model)
                .optimizer(TrainingExpressions.optimizer(backpack.catalog(), optimizer))
                .epochs(3)
                .batch(8)
                .seed(11)
                .log(new JsonLog(folder.resolve("run.jsonl"), "toy"))
                .checkpoints(new CheckpointFolder(folder.resolve("checkpoint"), 2));
    }

    private static Map<String, String> numbers(Model model) {
        return model.parameters().names().stream()
                .collect(Collectors.toMap(
                        name -> name,
                        name -> Arrays.toString(model.parameters().get(name).toDoubleArray()),
                        (a, b) -> a,
                        TreeMap::new));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PreconditionedGradient(curvature=KFAC,lr=0.1,damping=0.1)",
                "PreconditionedGradient(curvature=DiagHessian,lr=0.1,damping=0.1)",
                "KFAC(damping=0.1,curvature_update_period=2,inverse_update_period=5,num_burnin_steps=3,norm_constraint=0.01)",
                "KFAC(curvature=DiagGGNMC,damping=0.1,curvature_update_period=2,inverse_update_period=5,use_adaptive_damping=true)",
                "KFAC(curvature=KFLR,damping=0.1,inverse_update_period=50,momentum=0)",
                "DirectionalDampedNewton(top=3,damping=0.1,mc_samples=2)",
                "NewtonCG(cg_max_iterations=10)",
                "NewtonCG(matrix=hessian,cg_max_iterations=10,weight_decay=0.01)"
            })
    void goingOnGivesTheSameBits(String optimizer) throws IOException {
        long before = backpack.backend().memory().usedBytes();
        Path whole = Files.createDirectories(folder.resolve("whole"));
        Path parts = Files.createDirectories(folder.resolve("parts"));
        try (Model straight = model();
                Model stopped = model();
                Model resumed = model()) {
            builder(straight, whole, optimizer).build().fit(Toys.points(50, 8));
            builder(stopped, parts, optimizer).maxSteps(2).build().fit(Toys.points(50, 8));
            builder(stopped, parts, optimizer).resume(true).maxSteps(13).build().fit(Toys.points(50, 8));
            builder(resumed, parts, optimizer).resume(true).build().fit(Toys.points(50, 8));
            assertThat(numbers(resumed)).isEqualTo(numbers(straight));
            assertThat(Files.readString(parts.resolve("run.jsonl")))
                    .isEqualTo(Files.readString(whole.resolve("run.jsonl")))
                    .contains(optimizer.substring(0, optimizer.indexOf('(')));
        }
        assertThat(backpack.backend().memory().usedBytes())
                .as("nothing is left")
                .isEqualTo(before);
    }
}
