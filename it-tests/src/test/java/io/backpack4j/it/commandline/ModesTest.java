// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.formats.Safetensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code evaluate} in both modes. */
class ModesTest {

    private static final String MODEL = """
            {"nodes": [{"name": "norm", "type": "BatchNorm1d", "num_features": 2, "momentum": null%s},
                       {"name": "drop", "type": "Dropout", "p": 0.5%s},
                       {"name": "0", "type": "Linear", "in_features": 2, "out_features": 2}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}
            """;

    @TempDir
    private Path directory;

    private Workspace workspace(String mode) {
        return new Workspace(directory)
                .model(MODEL.formatted(mode, mode))
                .without("2.weight")
                .without("2.bias")
                .tensor("0.weight", new long[] {2, 2}, 0.5, -1, 2, 0.25)
                .tensor("0.bias", new long[] {2}, 0.1, 0.2)
                .tensor("norm.weight", new long[] {2}, 1, 2)
                .tensor("norm.bias", new long[] {2}, 0.5, 0)
                .tensor("norm.running_mean", new long[] {2}, 0.5, -0.5)
                .tensor("norm.running_var", new long[] {2}, 2, 3)
                .option("--extensions", "");
    }

    private SortedMap<String, String> run(Workspace workspace) {
        byte[] before = workspace.data();
        Run run = workspace.run();
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        assertThat(workspace.data()).isEqualTo(before);
        try (Safetensors file = Safetensors.open(workspace.file("results.safetensors"))) {
            SortedMap<String, String> results = new TreeMap<>();
            file.tensors().keySet().forEach(name -> results.put(name, Arrays.toString(file.readDoubles(name))));
            return results;
        }
    }

    private Map<String, String> metadata(Workspace workspace) {
        try (Safetensors file = Safetensors.open(workspace.file("results.safetensors"))) {
            return file.metadata();
        }
    }

    @Test
    void the_option_overrides_the_model() {
        SortedMap<String, String> train = run(workspace(""));
        assertThat(metadata(workspace(""))).doesNotContainKeys("mode", "statistics");
        SortedMap<String, String> eval = run(workspace(", \"mode\": \"eval\""));
        assertThat(eval).isNotEqualTo(train);
        assertThat(run(workspace("").option("--mode", "eval"))).isEqualTo(eval);
        assertThat(metadata(workspace(""))).containsEntry("mode", "eval");
        assertThat(run(workspace(", \"mode\": \"eval\"").option("--mode", "train")))
                .isEqualTo(train);
        assertThat(metadata(workspace(""))).containsEntry("mode", "train");
    }

    @Test
    void constant_statistics_are_named() {
        Run refused = workspace("").option("--extensions", "BatchGrad").run();
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err()).contains("[CoupledSamples]", "--mode eval", "--statistics constant");
        Workspace constant = workspace("").option("--extensions", "BatchGrad").option("--statistics", "constant");
        assertThat(run(constant)).containsKey("norm.weight/grad_batch");
        assertThat(metadata(constant)).containsEntry("statistics", "constant");
        assertThat(constant.run().out()).contains("derivatives take the batch's statistics as constants");
        Workspace eval = constant.option("--mode", "eval");
        assertThat(run(eval)).containsKey("norm.weight/grad_batch");
        assertThat(metadata(eval)).doesNotContainKey("statistics");
    }

    /** Whether there is another precision is the processor's matter; that it is never another in silence is not. */
    @Test
    void precisions_are_named_or_refused() {
        Workspace eval = workspace(", \"mode\": \"eval\"").option("--extensions", "DiagGGNMC");
        Run exact = eval.option("--dtype", "float64")
                .option("--precision", "bf16_fast")
                .run();
        assertThat(exact.code()).isEqualTo(1);
        assertThat(exact.err()).contains("[Unsupported]", "BF16_FAST", "FLOAT64", "--precision");
        Run single = eval.option("--dtype", "float32").run();
        if (single.code() == 0) {
            assertThat(metadata(eval)).containsEntry("precision", "bf16_fast");
        } else {
            assertThat(single.err()).contains("[Unsupported]", "AVX512-BF16");
        }
        run(eval.option("--precision", "full"));
        assertThat(metadata(eval)).doesNotContainKey("precision");
        Run unknown = eval.option("--precision", "half").run();
        assertThat(unknown.code()).isEqualTo(2);
        assertThat(unknown.err()).contains("'half' is not one of full, bf16_fast");
    }

    @Test
    void counters_are_read_and_may_be_missing() {
        SortedMap<String, String> without = run(workspace(""));
        assertThat(run(workspace("").integers("norm.num_batches_tracked", new long[0], 7)))
                .isEqualTo(without);
        Run real = workspace("")
                .tensor("norm.num_batches_tracked", new long[0], 7.5)
                .run();
        assertThat(real.err()).contains("[WrongType]", "'norm.num_batches_tracked'", "a counter holds integers");
        Run wrong = workspace("")
                .integers("norm.num_batches_tracked", new long[] {2}, 7, 8)
                .run();
        assertThat(wrong.err()).contains("[ShapeMismatch]", "'norm.num_batches_tracked'");
        Run lacking = workspace("").without("norm.running_var").run();
        assertThat(lacking.err()).contains("[MissingTensor]", "'norm.running_var'");
    }

    @Test
    void other_words_are_wrong_usage() {
        Run mode = workspace("").option("--mode", "test").run();
        assertThat(mode.code()).isEqualTo(2);
        assertThat(mode.err()).contains("'test' is not one of train, eval");
        Run statistics = workspace("").option("--statistics", "none").run();
        assertThat(statistics.code()).isEqualTo(2);
        assertThat(statistics.err()).contains("'none' is not one of differentiated, constant");
    }
}
