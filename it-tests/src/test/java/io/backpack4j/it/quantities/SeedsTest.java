// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.ext.secondorder.GGNMP;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Passes of one instance draw differently, and in the same order again after a restart. */
class SeedsTest {

    private static final int N = 5;
    private static final int FEATURES = 24;
    private static final Shape SAMPLE = Shape.of(FEATURES);
    private static final Extension<?> KFAC = new KFAC();

    /** A library, a network that drops elements, and a batch. */
    private static final class Setup implements AutoCloseable {

        private final BackPack backpack;
        private final Model model;
        private final Batch batch;

        Setup(BackPack.Builder builder) {
            backpack = builder.backend("cpu").threads(1).build();
            Graph graph = Graph.sequential(new Dropout(0.5), new Linear(FEATURES, 3));
            model = backpack.model(graph, new CrossEntropyLoss(), DType.FLOAT64, SAMPLE);
            model.parameters().initialize(7);
            batch = backpack.batch(DType.FLOAT64)
                    .input(Graph.INPUT, SAMPLE.prepend(N), ones())
                    .targets(Shape.of(N), new long[N])
                    .build();
        }

        Setup(long seed) {
            this(BackPack.builder().seed(seed));
        }

        private static double[] ones() {
            return IntStream.range(0, N * FEATURES).mapToDouble(i -> 1).toArray();
        }

        /** Everything that a pass computes, as text. */
        String compute() {
            return text(backpack.compute(model, batch, KFAC));
        }

        String planned(long seed) {
            return text(backpack.plan(model, batch, List.of(Request.of(KFAC)), PassOptions.DEFAULT)
                    .run(batch, seed));
        }

        List<String> compute(int times) {
            List<String> passes = new ArrayList<>();
            for (int i = 0; i < times; i++) {
                passes.add(compute());
            }
            return passes;
        }

        static String text(Results results) {
            try (results) {
                StringBuilder text = new StringBuilder();
                results.tensors()
                        .forEach((name, tensor) -> text.append(name)
                                .append(Arrays.toString(tensor.toDoubleArray()))
                                .append('\n'));
                return text.toString();
            }
        }

        @Override
        public void close() {
            batch.close();
            model.close();
            assertThat(backpack.backend().memory().openTensors()).isZero();
            backpack.close();
        }
    }

    @Test
    void passes_in_a_loop_draw_differently() {
        try (Setup setup = new Setup(3)) {
            assertThat(setup.compute(6)).doesNotHaveDuplicates();
            assertThat(setup.backpack.passes()).isEqualTo(6);
        }
    }

    @Test
    void the_first_pass_has_the_seed_of_the_instance() {
        try (Setup setup = new Setup(3)) {
            assertThat(setup.compute()).isEqualTo(setup.planned(3));
            assertThat(setup.compute()).isNotEqualTo(setup.planned(3));
        }
        try (Setup setup = new Setup(BackPack.builder())) {
            assertThat(setup.compute()).isEqualTo(setup.planned(0));
        }
        try (Setup setup = new Setup(BackPack.builder().properties(Map.of("backpack.seed", "-4")))) {
            assertThat(setup.compute()).isEqualTo(setup.planned(-4));
        }
    }

    @Test
    void an_instance_of_the_same_seed_repeats_all() {
        List<String> first;
        try (Setup setup = new Setup(3)) {
            first = setup.compute(4);
        }
        try (Setup setup = new Setup(3)) {
            assertThat(setup.compute(2)).isEqualTo(first.subList(0, 2));
        }
        try (Setup setup = new Setup(3)) {
            setup.backpack.setPasses(2);
            assertThat(setup.compute(2)).isEqualTo(first.subList(2, 4));
            setup.backpack.setPasses(1);
            assertThat(setup.compute()).isEqualTo(first.get(1));
        }
        try (Setup setup = new Setup(4)) {
            assertThat(setup.compute(4)).doesNotContainAnyElementsOf(first);
        }
    }

    @Test
    void a_pass_with_a_seed_of_its_own_repeats_and_does_not_count() {
        try (Setup setup = new Setup(3)) {
            String once = Setup.text(setup.backpack.compute(setup.model, setup.batch, 9, KFAC));
            assertThat(Setup.text(setup.backpack.compute(setup.model, setup.batch, 9, KFAC)))
                    .isEqualTo(once)
                    .isEqualTo(setup.planned(9));
            assertThat(setup.backpack.passes()).isZero();
        }
    }

    @Test
    void refused_and_failed_passes_and_rehearsals_do_not_count() {
        List<String> expected;
        try (Setup setup = new Setup(3)) {
            expected = setup.compute(2);
        }
        try (Setup setup = new Setup(3)) {
            List<Request<?>> requests = List.of(Request.of(KFAC));
            String first = Setup.text(
                    setup.backpack.compute(setup.model, setup.batch, requests, PassOptions.DEFAULT.memory(1 << 24)));
            assertThat(setup.backpack.passes()).isOne();
            assertThat(first).isEqualTo(expected.get(0));
            assertThatThrownBy(() ->
                            setup.backpack.compute(setup.model, setup.batch, requests, PassOptions.DEFAULT.memory(8)))
                    .hasMessageStartingWith("[MemoryBudget]");
            double[] bias = setup.model.parameters().get("1.bias").toDoubleArray();
            setup.model.parameters().get("1.bias").write(0, new double[] {Double.NaN, 0, 0}, 0, 3);
            assertThatThrownBy(setup::compute).hasMessageStartingWith("[NotFinite]");
            setup.model.parameters().set("1.bias", bias);
            assertThat(setup.backpack.passes()).isOne();
            assertThat(setup.compute()).isEqualTo(expected.get(1));
        }
    }

    @Test
    void plans_without_a_seed_have_seed_zero_as_ever() {
        try (Setup setup = new Setup(3)) {
            setup.compute(2);
            String planned = Setup.text(setup.backpack
                    .plan(setup.model, setup.batch, List.of(Request.of(KFAC)), PassOptions.DEFAULT)
                    .run(setup.batch));
            assertThat(planned).isEqualTo(setup.planned(0));
        }
    }

    /** Sums squares in its second walk. */
    private record SecondWalk() implements TensorExtension {

        @Override
        public String resultName() {
            return "second_walk";
        }

        @Override
        public int stages() {
            return 2;
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            site.accumulate("squares" + stage, new LossGradient(), new Contraction.SumOfSquares());
        }

        @Override
        public Tensor finish(SitePartial partial) {
            return partial.scope().view(partial.tensor("squares2"), partial.shape());
        }
    }

    /**
     * The inputs that were kept for any sample have derivatives, the others none; every chunk is evaluated anew for
     * each walk and product.
     */
    @Test
    void walks_and_products_of_a_pass_have_its_seed() {
        try (Setup setup = new Setup(3);
                Batch two = setup.backpack
                        .batch(DType.FLOAT64)
                        .input(Graph.INPUT, SAMPLE.prepend(2), Arrays.copyOf(Setup.ones(), 2 * FEATURES))
                        .targets(Shape.of(2), new long[2])
                        .build()) {
            GGNMP product = new GGNMP();
            List<Request<?>> requests = List.of(Request.of(product), Request.of(new SecondWalk()));
            List<String> patterns = new ArrayList<>();
            double[] vector = new double[3 * FEATURES];
            Arrays.fill(vector, 0, FEATURES, 1);
            for (int pass = 0; pass < 4; pass++) {
                try (Results results =
                                setup.backpack.compute(setup.model, two, requests, PassOptions.DEFAULT.chunk(1));
                        TensorScope scope = setup.backpack.backend().openScope()) {
                    Tensor vectors =
                            setup.backpack.backend().upload(scope, Shape.of(1, 3, FEATURES), DType.FLOAT64, vector);
                    String pattern = zeros(results.gradient("1.weight"));
                    assertThat(zeros(results.get(new SecondWalk(), "1.weight"))).isEqualTo(pattern);
                    assertThat(zeros(results.get(product, "1.weight").multiply(scope, vectors)))
                            .isEqualTo(pattern);
                    patterns.add(pattern);
                }
            }
            assertThat(patterns).doesNotHaveDuplicates().allMatch(pattern -> pattern.contains("0"));
        }
    }

    private static String zeros(Tensor ofWeight) {
        StringBuilder pattern = new StringBuilder();
        Arrays.stream(ofWeight.toDoubleArray())
                .limit(FEATURES)
                .forEach(value -> pattern.append(value == 0 ? '0' : 'x'));
        return pattern.toString();
    }

    @Test
    void wrong_numbers_are_refused() {
        try (Setup setup = new Setup(3)) {
            assertThatThrownBy(() -> setup.backpack.setPasses(-1))
                    .hasMessageContaining("The number of passes is -1, but must be at least 0.");
        }
        assertThatThrownBy(() -> BackPack.builder()
                        .properties(Map.of("backpack.seed", "1.5"))
                        .build())
                .hasMessageContaining("-Dbackpack.seed is '1.5', but must be a whole number");
    }
}
