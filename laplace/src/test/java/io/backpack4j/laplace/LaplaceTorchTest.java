// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;
import java.io.InputStream;
import java.util.Locale;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** Posteriors against those of laplace-torch 0.3, written by {@code make_laplace_torch.py}. */
class LaplaceTorchTest {

    private static final double TOLERANCE = 1e-8;

    @Test
    void precisions_marginal_likelihoods_and_predictions_are_those_of_laplace_torch() throws Exception {
        try (InputStream stream = LaplaceTorchTest.class.getResourceAsStream("laplace_torch.json");
                BackPack backpack = BackPack.create()) {
            int cases = 0;
            for (JsonNode network : new ObjectMapper().readTree(stream)) {
                cases += check(backpack, network);
            }
            assertThat(cases).isEqualTo(12);
        }
    }

    private static int check(BackPack backpack, JsonNode network) {
        boolean classes = "classification".equals(network.get("likelihood").asText());
        int in = network.get("sizes").get(0).asInt();
        int hidden = network.get("sizes").get(1).asInt();
        int out = network.get("sizes").get(2).asInt();
        Graph graph = Graph.sequential(new Linear(in, hidden), new Tanh(), new Linear(hidden, out));
        Loss loss = classes ? new CrossEntropyLoss() : new MSELoss();
        HostTensor inputs = new HostTensor.Doubles(Shape.of(12, in), doubles(network.get("inputs")));
        HostTensor targets = classes
                ? new HostTensor.Longs(
                        Shape.of(12),
                        StreamSupport.stream(network.get("targets").spliterator(), false)
                                .mapToLong(JsonNode::asLong)
                                .toArray())
                : new HostTensor.Doubles(Shape.of(12, out), doubles(network.get("targets")));
        int cases = 0;
        try (Model model = backpack.model(graph, loss, DType.FLOAT64, Shape.of(in));
                Batch test = backpack.batch(DType.FLOAT64)
                        .input(Graph.INPUT, Shape.of(4, in), doubles(network.get("test")))
                        .build()) {
            network.get("parameters")
                    .properties()
                    .forEach(entry -> model.parameters().set(entry.getKey(), doubles(entry.getValue())));
            for (JsonNode expected : network.get("cases")) {
                Laplace builder = Laplace.builder(backpack, model)
                        .batch(7)
                        .structure(Structure.valueOf(
                                expected.get("structure").asText().toUpperCase(Locale.ROOT)));
                if ("last_layer".equals(expected.get("subset").asText())) {
                    builder.lastLayer();
                }
                Posterior posterior = builder.fit(ArraySource.of(inputs, targets))
                        .withPriorPrecision(network.get("prior_precision").asDouble());
                if (!classes) {
                    posterior = posterior.withSigma(network.get("sigma").asDouble());
                }
                check(expected, posterior, posterior.predict(test), classes);
                cases++;
            }
        }
        return cases;
    }

    private static void check(JsonNode expected, Posterior posterior, Predictive predictive, boolean classes) {
        String name = expected.get("structure") + " " + expected.get("subset");
        close(name, posterior.precisionEigenvalues(), expected.get("precision_eigenvalues"));
        assertThat(posterior.logMarginalLikelihood())
                .as(name)
                .isCloseTo(expected.get("log_marginal_likelihood").asDouble(), within(TOLERANCE));
        close(name, predictive.covariance(), expected.get("covariance"));
        if (classes) {
            close(name + " probit", predictive.probit(), expected.get("probit"));
            close(name + " bridge", predictive.bridge(), expected.get("bridge"));
        }
    }

    private static void close(String name, double[] actual, JsonNode expected) {
        double[] numbers = doubles(expected);
        assertThat(actual).as(name).hasSameSizeAs(numbers);
        assertThat(actual).as(name).containsExactly(numbers, within(TOLERANCE));
    }

    private static double[] doubles(JsonNode numbers) {
        return StreamSupport.stream(numbers.spliterator(), false)
                .mapToDouble(JsonNode::asDouble)
                .toArray();
    }
}
