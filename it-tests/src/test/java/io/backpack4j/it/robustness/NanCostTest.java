// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What looking for numbers that are not finite costs on 3C3D with 128 samples: passes with and without it, in turns,
 * and the medians of the differences of neighbours. A measurement, so it runs only with {@code -Dnan.cost.turns=}, best
 * on a machine that does nothing else.
 */
@EnabledIfSystemProperty(named = "nan.cost.turns", matches = "[0-9]+")
class NanCostTest {

    private static final int TURNS = Integer.getInteger("nan.cost.turns", 0);
    private static final int SAMPLES = 128;
    private static final int WARM_UP = 5;
    private static final Shape SAMPLE = Shape.of(3, 32, 32);
    private static final double MOST = 0.02;

    @Test
    void checks_cost_less_than_a_fiftieth() throws IOException {
        double gradient = cost("gradient", List.of());
        double six = cost(
                "gradient and five more",
                List.of(
                        Request.of(new BatchL2Grad()),
                        Request.of(new SumGradSquared()),
                        Request.of(new Variance()),
                        Request.of(new DiagGGNMC(1)),
                        Request.of(new KFAC())));
        assertThat(gradient).isLessThan(MOST);
        assertThat(six).isLessThan(MOST);
    }

    private static double cost(String what, List<Request<?>> requests) throws IOException {
        try (BackPack backpack = BackPack.builder().backend("cpu").build();
                Model model = backpack.model(ModelFile.parse(model(), "3c3d"), DType.FLOAT32, SAMPLE);
                Batch batch = batch(backpack)) {
            model.parameters().initialize(1);
            Plan plain = backpack.plan(model, batch, requests, PassOptions.DEFAULT.nan(NanPolicy.IGNORE));
            Plan checked = backpack.plan(model, batch, requests, PassOptions.DEFAULT.nan(NanPolicy.FAIL));
            double[] without = new double[TURNS];
            double[] difference = new double[TURNS];
            for (int turn = -WARM_UP; turn < TURNS; turn++) {
                boolean first = turn % 2 == 0;
                double one = milliseconds(first ? plain : checked, batch);
                double other = milliseconds(first ? checked : plain, batch);
                if (turn >= 0) {
                    without[turn] = first ? one : other;
                    difference[turn] = (first ? other : one) - without[turn];
                }
            }
            double cost = median(difference) / median(without);
            Figures.row(
                    "what NaN checks cost, 3C3D, N = %d, %s".formatted(SAMPLES, what),
                    "%.1f ms without, %+.2f ms with: %.2f %%, over %d turns",
                    median(without),
                    median(difference),
                    100 * cost,
                    TURNS);
            return cost;
        }
    }

    private static double milliseconds(Plan plan, Batch batch) {
        long start = System.nanoTime();
        try (Results results = plan.run(batch, 1)) {
            assertThat(results.loss()).isFinite();
            return (System.nanoTime() - start) / 1e6;
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static String model() throws IOException {
        try (InputStream stream =
                BackPack.class.getClassLoader().getResourceAsStream("io/backpack4j/cli/problems/3c3d.json")) {
            assertThat(stream).as("the model that the command line brings").isNotNull();
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static Batch batch(BackPack backpack) {
        Random random = new Random(1);
        double[] inputs = new double[SAMPLES * (int) SAMPLE.elements()];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = random.nextGaussian();
        }
        return backpack.batch(DType.FLOAT32)
                .input("input", SAMPLE.prepend(SAMPLES), inputs)
                .targets(
                        Shape.of(SAMPLES),
                        random.ints(SAMPLES, 0, 10).asLongStream().toArray())
                .build();
    }
}
