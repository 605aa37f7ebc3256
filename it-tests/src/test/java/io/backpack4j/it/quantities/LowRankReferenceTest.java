// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.it.oracle.Problem;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Low-rank curvature against that of ViViT itself, on PyTorch. */
class LowRankReferenceTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> CASES =
            List.of("vivit_mlp_tanh_ce", "vivit_cnn_relu_ce", "vivit_mlp_sigmoid_mse");

    /**
     * What ViViT computed.
     *
     * @param prefix what its results' names begin with
     * @param groups the groups, with the numbers of the eigenvalues that it kept
     */
    private record Computation(
            String prefix,
            List<Group> groups,
            List<Integer> subsampling_grad,
            List<Integer> subsampling_ggn,
            List<Double> dampings) {

        /** ViViT's group. */
        private record Group(List<String> params, List<Integer> keep) {}

        Map<String, Object> options(String subsampling) {
            Map<String, Object> options = new LinkedHashMap<>();
            options.put("groups", groups.stream().map(Group::params).toList());
            if (subsampling_ggn != null) {
                options.put(subsampling, subsampling_ggn);
            }
            return options;
        }

        Map<String, Object> withGradients(Map<String, Object> options) {
            if (subsampling_grad != null) {
                options.put("subsampling_grad", subsampling_grad);
            }
            return options;
        }
    }

    private static Path file(String name) {
        try {
            return Path.of(LowRankReferenceTest.class
                    .getResource("/vivit/" + name + ".safetensors")
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<Computation> computations(String name) {
        try (Safetensors file = Safetensors.open(file(name))) {
            return JSON.readValue(file.metadata().get("computations"), new TypeReference<>() {});
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<Arguments> computations() {
        return CASES.stream()
                .flatMap(name -> computations(name).stream()
                        .map(computation -> Arguments.of(name, computation.prefix(), computation)));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("computations")
    void results_are_those_of_vivit(String name, String prefix, Computation computation) {
        ReferenceCase reference = ReferenceCase.read(file(name));
        for (Exactness exactness :
                List.of(new Exactness(Setting.FLOAT64, 1e-9), new Exactness(Setting.FLOAT32, 1e-4))) {
            try (Passes passes = new Passes(exactness.setting())) {
                compare(exactness, passes, reference.problem(), reference.results(), computation, PassOptions.DEFAULT);
                compare(
                        exactness,
                        passes,
                        reference.problem(),
                        reference.results(),
                        computation,
                        PassOptions.DEFAULT.block(1));
            }
        }
    }

    /** The gradients of a sum are N, or N times the outputs, as large; results are those of the mean. */
    @ParameterizedTest
    @MethodSource("cases")
    void results_of_a_sum_are_those_of_the_mean(String name) {
        ReferenceCase reference = ReferenceCase.read(file(name));
        Problem problem = reference.problem();
        ModelDescription mean = problem.model();
        LossDescription loss = new LossDescription(mean.loss().type(), Map.of("reduction", "sum"));
        ModelDescription sum = new ModelDescription(mean.nodes(), mean.inputs(), mean.output(), loss);
        Problem summed = new Problem(sum, problem.inputs(), problem.targets(), problem.parameters());
        Exactness exactness = new Exactness(Setting.FLOAT64, 1e-9);
        try (Passes passes = new Passes(Setting.FLOAT64)) {
            for (Computation computation : computations(name)) {
                compare(exactness, passes, summed, reference.results(), computation, PassOptions.DEFAULT);
            }
        }
    }

    static Stream<String> cases() {
        return CASES.stream();
    }

    /** How close results are, relative to the largest of a kind. */
    private record Exactness(Setting setting, double relative) {

        void assertClose(String what, double[] actual, double[] expected) {
            double largest = Arrays.stream(expected).map(Math::abs).max().orElse(0);
            assertThat(actual).as(what).containsExactly(expected, within(relative * Math.max(1, largest)));
        }
    }

    private static void compare(
            Exactness exactness,
            Passes passes,
            Problem problem,
            Map<String, double[]> stored,
            Computation computation,
            PassOptions options) {
        for (int group = 0; group < computation.groups().size(); group++) {
            compare(exactness, passes, problem, stored, computation, options, group);
        }
    }

    /** Eigenvalues are kept by their numbers, the same for all groups: one group after the other. */
    private static void compare(
            Exactness exactness,
            Passes passes,
            Problem problem,
            Map<String, double[]> stored,
            Computation computation,
            PassOptions options,
            int group) {
        Computation.Group own = computation.groups().get(group);
        String prefix = computation.prefix() + "/" + group + "/";
        double[] evals = stored.get(prefix + "evals");
        Computation alone = new Computation(
                computation.prefix(),
                List.of(own),
                computation.subsampling_grad(),
                computation.subsampling_ggn(),
                computation.dampings());
        List<Integer> keep =
                own.keep().stream().map(index -> index - evals.length).toList();
        List<Request<?>> requests = new ArrayList<>();
        requests.add(passes.request("GgnEigenvalues", alone.options("subsampling")));
        Map<String, Object> kept = alone.options("subsampling");
        kept.put("keep", keep);
        requests.add(passes.request("GgnEigenvectors", kept));
        Map<String, Object> directions = alone.withGradients(alone.options("subsampling_ggn"));
        directions.put("keep", keep);
        requests.add(passes.request("DirectionalDerivatives", directions));
        for (double damping : computation.dampings()) {
            Map<String, Object> damped = new LinkedHashMap<>(directions);
            damped.put("damping", damping);
            requests.add(passes.request("DirectionalDampedNewton", damped).as("newton" + damping));
        }
        Map<String, double[]> results = passes.run(problem, requests, options);
        double[] reported = results.get("*/ggn_evals/0");
        exactness.assertClose(
                prefix + "evals", reported, Arrays.copyOfRange(evals, evals.length - reported.length, evals.length));
        exactness.assertClose(
                prefix + "top/evals", results.get("*/ggn_evecs_evals/0"), stored.get(prefix + "top/evals"));
        double[] signs = compareVectors(exactness, results, stored, prefix, own, keep.size());
        compareColumns(exactness, prefix + "gammas", results.get("*/gammas/0"), stored.get(prefix + "gammas"), signs);
        double[] squares = Arrays.stream(signs).map(Math::abs).toArray();
        compareColumns(
                exactness, prefix + "lambdas", results.get("*/lambdas/0"), stored.get(prefix + "lambdas"), squares);
        for (double damping : computation.dampings()) {
            String named = damping == Math.rint(damping) ? String.valueOf((long) damping) : String.valueOf(damping);
            for (String parameter : own.params()) {
                String newton = prefix + "newton/" + named + "/" + parameter;
                exactness.assertClose(newton, results.get(parameter + "/newton" + damping), stored.get(newton));
            }
        }
    }

    /** Signs that make our vectors ViViT's, 0 for those that ViViT leaves undetermined. */
    private static double[] compareVectors(
            Exactness exactness,
            Map<String, double[]> results,
            Map<String, double[]> stored,
            String prefix,
            Computation.Group group,
            int count) {
        double[] signs = new double[count];
        for (int k = 0; k < count; k++) {
            double dot = 0;
            for (String parameter : group.params()) {
                double[] actual = results.get(parameter + "/ggn_evecs");
                double[] expected = stored.get(prefix + "top/evecs/" + parameter);
                int size = actual.length / count;
                for (int i = k * size; i < (k + 1) * size; i++) {
                    dot += actual[i] * expected[i];
                }
            }
            signs[k] = Double.isNaN(dot) ? 0 : Math.signum(dot);
        }
        for (String parameter : group.params()) {
            double[] expected = stored.get(prefix + "top/evecs/" + parameter);
            int size = expected.length / count;
            double[] actual = results.get(parameter + "/ggn_evecs");
            assertThat(actual).hasSameSizeAs(expected);
            for (int i = 0; i < actual.length; i++) {
                double sign = signs[i / size];
                actual[i] *= sign;
                expected[i] = sign == 0 ? 0 : expected[i];
            }
            exactness.assertClose(prefix + "top/evecs/" + parameter, actual, expected);
        }
        return signs;
    }

    private static void compareColumns(
            Exactness exactness, String what, double[] actual, double[] stored, double[] signs) {
        double[] expected = stored.clone();
        assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            double sign = signs[i % signs.length];
            actual[i] *= sign;
            expected[i] = sign == 0 ? 0 : expected[i];
        }
        exactness.assertClose(what, actual, expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"vivit_mlp_tanh_ce", "vivit_cnn_relu_ce", "vivit_mlp_sigmoid_mse"})
    void gram_matrices_are_those_of_vivit(String name) {
        ReferenceCase reference = ReferenceCase.read(file(name));
        Problem problem = reference.problem();
        for (Exactness exactness :
                List.of(new Exactness(Setting.FLOAT64, 1e-9), new Exactness(Setting.FLOAT32, 1e-4))) {
            try (Passes passes = new Passes(exactness.setting())) {
                Map<String, Object> layerwise = Map.of("layerwise", true);
                Map<String, double[]> results = passes.run(
                        problem,
                        List.of(
                                passes.request("GramBatchGrad", layerwise),
                                passes.request("CenteredGramBatchGrad", layerwise),
                                passes.request("GramSqrtGGNExact", layerwise),
                                passes.request("CenteredBatchGrad", Map.of()),
                                passes.request("BatchGrad", Map.of())),
                        PassOptions.DEFAULT);
                Map<String, double[]> stored = reference.results();
                Map.of(
                                "gram_batch_grad", "GramBatchGrad",
                                "centered_gram_batch_grad", "CenteredGramBatchGrad",
                                "gram_sqrt_ggn_exact", "GramSqrtGGNExact")
                        .forEach((own, hook) ->
                                exactness.assertClose(hook, results.get("*/" + own), stored.get("hooks/" + hook)));
                double[] sum = new double[stored.get("hooks/GramSqrtGGNExact").length];
                for (String parameter : problem.trained()) {
                    exactness.assertClose(
                            parameter,
                            results.get(parameter + "/gram_batch_grad"),
                            stored.get("hooks/GramBatchGrad/" + parameter));
                    exactness.assertClose(
                            parameter,
                            results.get(parameter + "/centered_gram_batch_grad"),
                            stored.get("hooks/CenteredGramBatchGrad/" + parameter));
                    exactness.assertClose(
                            parameter,
                            results.get(parameter + "/centered_grad_batch"),
                            stored.get("hooks/CenteredBatchGrad/" + parameter));
                    double[] part = results.get(parameter + "/gram_sqrt_ggn_exact");
                    Arrays.setAll(sum, i -> sum[i] + part[i]);
                    // Nothing is overwritten.
                    assertThat(results.get(parameter + "/grad_batch"))
                            .isNotEqualTo(results.get(parameter + "/centered_grad_batch"));
                }
                exactness.assertClose("the sum of the layers", sum, stored.get("hooks/GramSqrtGGNExact"));
            }
        }
    }
}
