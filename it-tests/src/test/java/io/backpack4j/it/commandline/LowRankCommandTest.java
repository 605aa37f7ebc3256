// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.formats.Safetensors;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Low-rank curvature by {@code evaluate}, against ViViT's own results. */
class LowRankCommandTest {

    @TempDir
    private Path directory;

    private Run evaluate(String name, String extensions, String... more) throws IOException, URISyntaxException {
        Path reference = reference(name);
        Path model = directory.resolve("model.json");
        try (Safetensors file = Safetensors.open(reference)) {
            Files.writeString(model, file.metadata().get("model"), StandardCharsets.UTF_8);
        }
        String[] arguments = {
            "evaluate",
            "--model",
            model.toString(),
            "--data",
            reference.toString(),
            "--out",
            directory.resolve("results.safetensors").toString(),
            "--extensions",
            extensions
        };
        String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return Run.of(all);
    }

    private static Path reference(String name) throws URISyntaxException {
        return Path.of(LowRankCommandTest.class
                .getResource("/vivit/" + name + ".safetensors")
                .toURI());
    }

    @ParameterizedTest
    @CsvSource({"vivit_mlp_tanh_ce,2,3", "vivit_cnn_relu_ce,4,2", "vivit_mlp_sigmoid_mse,2,3"})
    void results_are_those_of_vivit(String name, String last, int count) throws IOException, URISyntaxException {
        String groups = "groups=[[0.*],[%s.*]],top=%d".formatted(last, count);
        Run run = evaluate(
                name,
                "GgnEigenvalues(groups=layer),GgnEigenvectors(%s,drop=true),DirectionalDerivatives(top=%d),DirectionalDampedNewton(top=%d,damping=0.1)"
                        .formatted(groups, count, count));
        assertThat(run.err()).isEmpty();
        assertThat(run.code()).isZero();
        try (Safetensors results = Safetensors.open(directory.resolve("results.safetensors"));
                Safetensors expected = Safetensors.open(reference(name))) {
            double[] evals = expected.readDoubles("full/per_layer/0/evals");
            double[] own = results.readDoubles("*/ggn_evals/0");
            assertThat(own)
                    .containsExactly(Arrays.copyOfRange(evals, evals.length - own.length, evals.length), within(1e-9));
            double[] top = results.readDoubles("*/ggn_evecs_evals/0");
            assertThat(top)
                    .containsExactly(Arrays.copyOfRange(evals, evals.length - count, evals.length), within(1e-9));
            assertThat(results.tensor("0.weight/ggn_evecs").shape().size(0)).isEqualTo(count);
            assertThat(results.readDoubles("*/lambdas/0"))
                    .containsExactly(expected.readDoubles("full/all/0/lambdas"), within(1e-9));
            assertThat(results.readDoubles("0.weight/damped_newton"))
                    .containsExactly(expected.readDoubles("full/all/0/newton/0.1/0.weight"), within(1e-9));
        }
    }

    @Test
    void results_may_be_smaller_than_planned() throws IOException, URISyntaxException {
        Run run = evaluate("vivit_mlp_tanh_ce", "GgnEigenvectors(threshold=0.5),BatchGrad");
        assertThat(run.err()).isEmpty();
        try (Safetensors results = Safetensors.open(directory.resolve("results.safetensors"))) {
            long kept = results.tensor("*/ggn_evecs_evals/0").shape().size(0);
            assertThat(kept).isBetween(1L, 10L);
            assertThat(results.tensor("0.weight/ggn_evecs").shape().size(0)).isEqualTo(kept);
            assertThat(run.out()).contains("[%d, 5, 6]".formatted(kept));
        }
    }

    @Test
    void more_than_there_are_is_an_error() throws IOException, URISyntaxException {
        Run run = evaluate("vivit_mlp_tanh_ce", "GgnEigenvectors(top=24)");
        assertThat(run.code()).isNotZero();
        assertThat(run.err()).contains("[RankTooLow]", "the numerical rank is 16");
        assertThat(directory.resolve("results.safetensors")).doesNotExist();
    }
}
