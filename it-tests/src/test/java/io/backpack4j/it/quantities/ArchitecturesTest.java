// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.ext.secondorder.KroneckerFactors;
import io.backpack4j.ext.secondorder.SqrtGGNMC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Well-known architectures, exported from PyTorch, against loss, output, gradients and curvature of PyTorch 2.15 in
 * float64. Curvature there is made by its definition, of one column of the loss's root and one sample at a time.
 */
class ArchitecturesTest {

    private static final double TOLERANCE = 1e-9;
    private static final int DRAWS = 2;

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.builder().backend("cpu").build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    static List<String> names() {
        return Architecture.NAMES;
    }

    @ParameterizedTest
    @MethodSource("names")
    void agree_with_pytorch(String name) {
        Architecture architecture = Architecture.read(name);
        try (Model model = architecture.model(backpack, DType.FLOAT64);
                Batch batch = architecture.batch(backpack, DType.FLOAT64);
                Results results = backpack.compute(model, batch)) {
            JsonNode fixture = architecture.fixture();
            double loss = fixture.get("loss").asDouble();
            assertThat(results.loss()).isCloseTo(loss, within(TOLERANCE * loss));
            double[] output = results.output().toDoubleArray();
            double[] expected = Architecture.numbers(fixture.get("output"));
            double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
            assertThat(Arrays.copyOf(output, expected.length)).containsExactly(expected, within(TOLERANCE * largest));
            List<String> gradients = new ArrayList<>();
            fixture.get("gradients").fieldNames().forEachRemaining(gradients::add);
            assertThat(model.parameters().trainable()).containsExactlyInAnyOrderElementsOf(gradients);
            for (String parameter : gradients) {
                double[] gradient = results.gradient(parameter).toDoubleArray();
                assertAgrees(gradient, fixture.get("gradients").get(parameter), "r/" + parameter);
            }
        }
    }

    /** Squared norms of every sample's gradient, against passes with one sample each. */
    @ParameterizedTest
    @MethodSource("names")
    void have_gradients_of_single_samples(String name) {
        Architecture architecture = Architecture.read(name);
        BatchL2Grad norms = new BatchL2Grad();
        int samples = architecture.samples();
        try (Model model = architecture.model(backpack, DType.FLOAT64);
                Batch whole = architecture.batch(backpack, DType.FLOAT64);
                Results results = backpack.compute(model, whole, norms)) {
            boolean isMean =
                    !String.valueOf(model.loss().arguments().get("reduction")).equals("sum");
            double factor = isMean ? 1.0 / samples : 1;
            for (int sample = 0; sample < samples; sample++) {
                try (Batch one = architecture.batch(backpack, DType.FLOAT64, sample, sample + 1);
                        Results alone = backpack.compute(model, one)) {
                    for (String parameter : model.parameters().trainable()) {
                        double expected = square(alone.gradient(parameter)) * factor * factor;
                        double actual = results.get(norms, parameter).toDoubleArray()[sample];
                        assertThat(actual).as(parameter).isCloseTo(expected, within(TOLERANCE * expected));
                    }
                }
            }
        }
    }

    /** The product of the whole Gauss-Newton matrix with a vector. */
    @ParameterizedTest
    @MethodSource("names")
    void have_the_gauss_newton_matrix_of_pytorch(String name) {
        Architecture architecture = Architecture.read(name);
        CurvatureMatrix matrix = new CurvatureMatrix.GaussNewton();
        try (Model model = architecture.model(backpack, DType.FLOAT64);
                Batch batch = architecture.batch(backpack, DType.FLOAT64);
                Linearization linear = backpack.linearize(model, batch, matrix);
                TensorScope scope = backpack.backend().openScope()) {
            Map<String, Tensor> vectors = new LinkedHashMap<>();
            Map<String, Tensor> products = new LinkedHashMap<>();
            linear.parameters().forEach((parameter, shape) -> {
                double[] vector = CounterNumbers.uniform("v/" + parameter, (int) shape.elements());
                vectors.put(parameter, backpack.backend().upload(scope, shape.prepend(1), DType.FLOAT64, vector));
                double[] zeros = new double[vector.length];
                products.put(parameter, backpack.backend().upload(scope, shape.prepend(1), DType.FLOAT64, zeros));
            });
            linear.multiply(matrix, 1, vectors, products);
            JsonNode expected = architecture.fixture().get("curvature");
            assertThat(products).hasSize(expected.size());
            products.forEach((parameter, product) -> assertAgrees(
                    product.toDoubleArray(), expected.get(parameter).get("ggn"), "r/" + parameter));
        }
    }

    /** Both factors of every parameter but a tied one, which has none. */
    @ParameterizedTest
    @MethodSource("names")
    void have_kronecker_factors_of_pytorch(String name) {
        Architecture architecture = Architecture.read(name);
        KFLR extension = new KFLR();
        JsonNode expected = architecture.fixture().get("curvature");
        try (Model model = architecture.model(backpack, DType.FLOAT64);
                Batch batch = architecture.batch(backpack, DType.FLOAT64)) {
            List<String> parameters = withFactors(expected, model);
            Request<?> request = Request.of(extension).only(parameters.toArray(String[]::new));
            try (Results results = backpack.compute(model, batch, List.of(request), PassOptions.DEFAULT)) {
                for (String parameter : parameters) {
                    Map<String, Tensor> factors =
                            results.get(extension, parameter).tensors();
                    JsonNode own = expected.get(parameter).get("kflr");
                    assertThat(factors).as(parameter).hasSize(own.size());
                    factors.forEach((side, factor) -> assertAgrees(
                            factor.toDoubleArray(),
                            own.get(Integer.parseInt(side)),
                            "r/%s/kflr/%s".formatted(parameter, side)));
                }
            }
        }
    }

    /**
     * KFAC's input side is that of KFLR. Its output side is of draws, and so has no numbers of PyTorch's: where there
     * is no input side, it is the sum over draws and samples of the outer products of the root of the same draws.
     */
    @ParameterizedTest
    @MethodSource("names")
    void have_factors_of_draws(String name) {
        Architecture architecture = Architecture.read(name);
        KFAC extension = new KFAC(DRAWS);
        SqrtGGNMC root = new SqrtGGNMC(DRAWS);
        JsonNode expected = architecture.fixture().get("curvature");
        try (Model model = architecture.model(backpack, DType.FLOAT64);
                Batch batch = architecture.batch(backpack, DType.FLOAT64)) {
            String[] parameters = withFactors(expected, model).toArray(String[]::new);
            List<Request<?>> requests = List.of(
                    Request.of(extension).only(parameters), Request.of(root).only(parameters));
            try (Results results = backpack.compute(model, batch, requests, PassOptions.DEFAULT)) {
                for (String parameter : parameters) {
                    KroneckerFactors factors = results.get(extension, parameter);
                    if (factors.input().isPresent()) {
                        double[] input = factors.input().get().toDoubleArray();
                        JsonNode own = expected.get(parameter).get("kflr").get(1);
                        assertAgrees(input, own, "r/%s/kflr/1".formatted(parameter));
                    } else {
                        double[] columns = results.get(root, parameter).toDoubleArray();
                        double[] block = outerProducts(columns, DRAWS * architecture.samples());
                        double largest =
                                Arrays.stream(block).map(Math::abs).max().orElseThrow();
                        assertThat(factors.output().toDoubleArray())
                                .as(parameter)
                                .containsExactly(block, within(TOLERANCE * largest));
                    }
                }
            }
        }
    }

    private static List<String> withFactors(JsonNode expected, Model model) {
        List<String> parameters = model.parameters().trainable().stream()
                .filter(parameter -> !expected.get(parameter).get("kflr").isEmpty())
                .toList();
        assertThat(parameters)
                .hasSizeGreaterThanOrEqualTo(model.parameters().trainable().size() - 1);
        return parameters;
    }

    private static double[] outerProducts(double[] rows, int count) {
        int size = rows.length / count;
        double[] block = new double[size * size];
        for (int row = 0; row < count; row++) {
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    block[i * size + j] += rows[row * size + i] * rows[row * size + j];
                }
            }
        }
        return block;
    }

    /**
     * Compares a norm, and an inner product with numbers of the formula; one of numbers of at most 1 may cancel, and is
     * as exact as the norms are.
     */
    private static void assertAgrees(double[] values, JsonNode normAndProduct, String weights) {
        double[] expected = Architecture.numbers(normAndProduct);
        double[] numbers = CounterNumbers.uniform(weights, values.length);
        double square = 0;
        double product = 0;
        for (int i = 0; i < values.length; i++) {
            square += values[i] * values[i];
            product += values[i] * numbers[i];
        }
        assertThat(Math.sqrt(square)).as(weights).isCloseTo(expected[0], within(TOLERANCE * expected[0]));
        double bound = TOLERANCE * expected[0] * Math.sqrt(values.length);
        assertThat(product).as(weights).isCloseTo(expected[1], within(bound));
    }

    private static double square(Tensor gradient) {
        return Arrays.stream(gradient.toDoubleArray()).map(it -> it * it).sum();
    }
}
