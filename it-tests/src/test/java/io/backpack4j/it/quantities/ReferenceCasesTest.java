// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.formats.ExtensionExpression;
import io.backpack4j.formats.ExtensionExpressions;
import io.backpack4j.it.oracle.FirstOrder;
import io.backpack4j.it.oracle.SecondOrder;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The results of BackPACK on PyTorch, and of PyTorch alone where BackPACK has none. Extensions that the class path
 * lacks are left out.
 */
class ReferenceCasesTest {

    private static final Set<String> RECURRENT = Set.of("RNN", "LSTM", "GRU");
    private static final Set<String> FIRST_ORDER = Set.of("grad_batch", "batch_l2", "sum_grad_squared", "variance");

    /** Those that refuse chunks. */
    private static final Set<String> WHOLE_BATCH = Set.of("KFRA");

    /** A regular expression of file names, to look at a few of them. */
    private static final String CASES = System.getProperty("backpack.it.cases", ".*");

    private static final Set<String> ALWAYS = Set.of("loss", "loss_batch", "output", "grad");

    static List<ReferenceCase> cases() {
        try (Stream<Path> files = Files.list(Path.of(ReferenceCasesTest.class
                        .getResource("/reference/README.md")
                        .toURI())
                .getParent())) {
            return files.filter(file -> file.toString().endsWith(".safetensors"))
                    .filter(file -> file.getFileName().toString().matches(CASES))
                    .sorted()
                    .map(ReferenceCase::read)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @EnumSource
    void results_are_those_of_the_reference(Setting setting) {
        try (Passes passes = new Passes(setting)) {
            cases().forEach(reference -> check(setting, passes, reference));
        }
    }

    /** Compares a case's results with the reference, with the whole batch and with chunks. */
    static void check(Setting setting, Passes passes, ReferenceCase reference) {
        check(setting, passes, reference, requests(passes, reference));
    }

    /** As {@link #check(Setting, Passes, ReferenceCase)}, without quantities that take hundreds of walks. */
    static void checkQuick(Setting setting, Passes passes, ReferenceCase reference) {
        List<Request<?>> requests = requests(passes, reference).stream()
                .filter(request ->
                        !request.extension().type().endsWith("DiagHessian") || !isUsedSeveralTimes(reference))
                .toList();
        check(setting, passes, reference, requests);
    }

    private static boolean isUsedSeveralTimes(ReferenceCase reference) {
        return reference.problem().model().nodes().stream()
                .anyMatch(node -> !node.ties().isEmpty() || RECURRENT.contains(node.type()));
    }

    private static void check(Setting setting, Passes passes, ReferenceCase reference, List<Request<?>> requests) {
        Set<String> names = names(requests);
        assertThat(names).as(reference.name()).containsAll(firstOrder(reference));
        check(setting, passes, reference, requests, PassOptions.DEFAULT);
        List<Request<?>> mergeable = requests.stream()
                .filter(request -> !WHOLE_BATCH.contains(request.extension().type()))
                .toList();
        check(setting, passes, reference, mergeable, PassOptions.DEFAULT.chunk(1));
        check(setting, passes, reference, mergeable, PassOptions.DEFAULT.chunk(2));
    }

    private static void check(
            Setting setting, Passes passes, ReferenceCase reference, List<Request<?>> requests, PassOptions options) {
        Map<String, double[]> expected = only(names(requests), reference.results());
        Map<String, double[]> actual = passes.run(reference.problem(), reference.vectors(), requests, options);
        actual.keySet().removeIf(key -> key.equals("loss_batch") && !expected.containsKey(key));
        Setting exactness = setting == Setting.FLOAT64 ? reference.exactness() : setting;
        exactness.assertClose(reference + " with " + options, actual, expected);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void the_oracle_agrees_with_the_reference(ReferenceCase reference) {
        Set<String> names = firstOrder(reference);
        Map<String, double[]> actual = only(names, new FirstOrder(reference.problem()).results());
        Map<String, double[]> expected = only(names, reference.results());
        actual.keySet().removeIf(key -> key.equals("loss_batch") && !expected.containsKey(key));
        reference.exactness().assertClose(reference.name(), actual, expected);
    }

    /** BackPACK's norms are wrong where a convolution has groups, so these cases have none; the oracle has. */
    private static Set<String> firstOrder(ReferenceCase reference) {
        Set<String> names = new TreeSet<>(FIRST_ORDER);
        if (reference.name().contains("_groups")) {
            names.remove("batch_l2");
        }
        return names;
    }

    /**
     * Scalar derivatives of second order take minutes for the largest case, which the library's own results are
     * compared with above. Some cases have none.
     */
    static List<ReferenceCase> smallCases() {
        return cases().stream()
                .filter(reference -> !reference.name().equals("lenet_like"))
                .filter(reference -> only(FIRST_ORDER, reference.results()).size()
                        < reference.results().size())
                .toList();
    }

    @ParameterizedTest
    @MethodSource("smallCases")
    void the_oracle_of_second_order_agrees_with_the_reference(ReferenceCase reference) {
        Map<String, double[]> actual = new SecondOrder(reference.problem(), true).results();
        Map<String, double[]> expected = new TreeMap<>(reference.results());
        expected.keySet().retainAll(actual.keySet());
        assertThat(expected).isNotEmpty();
        actual.keySet().retainAll(expected.keySet());
        reference.exactness().assertClose(reference.name(), actual, expected);
    }

    @Test
    void no_case_is_missing() {
        assumeTrue(CASES.equals(".*"));
        assertThat(cases()).hasSizeGreaterThanOrEqualTo(40);
    }

    private static List<Request<?>> requests(Passes passes, ReferenceCase reference) {
        List<String> known = passes.backpack().catalog().extensionTypes();
        return ExtensionExpressions.parse(String.join(",", reference.extensions())).stream()
                .filter(expression -> known.contains(expression.type()))
                .<Request<?>>map(expression -> request(passes, expression))
                .toList();
    }

    /** Diagonals of Hessians of tied parameters are made by products. */
    private static Request<?> request(Passes passes, ExtensionExpression expression) {
        Map<String, Object> options = new TreeMap<>(expression.options());
        if (expression.type().endsWith("DiagHessian")) {
            options.put("products", true);
        }
        return passes.request(expression.type(), options);
    }

    private static Set<String> names(List<Request<?>> requests) {
        Set<String> names = new TreeSet<>();
        requests.forEach(request -> names.add(request.name()));
        return names;
    }

    /**
     * Results that every pass has, and those of some names: {@code <parameter>/<name>} and {@code
     * <parameter>/<name>/<factor>}.
     */
    private static Map<String, double[]> only(Set<String> names, Map<String, double[]> results) {
        Map<String, double[]> selected = new TreeMap<>();
        results.forEach((key, values) -> {
            String[] parts = key.split("/", 3);
            String result = parts.length > 1 ? parts[1] : key;
            if (ALWAYS.contains(result) || names.contains(result)) {
                selected.put(key, values);
            }
        });
        return selected;
    }
}
