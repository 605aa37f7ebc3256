// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.secondorder.KFRA;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.AdaptiveAvgPool;
import io.backpack4j.modules.conv.AvgPool;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.ConvTranspose;
import io.backpack4j.modules.conv.Pad;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Identity;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Permute;
import io.backpack4j.modules.linear.Scale;
import io.backpack4j.modules.linear.Slice;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Columns are condensed where samples matter, and results are those of columns that are condensed at every node. */
class CondensingTest {

    private static final int N = 4;

    /**
     * A contraction of a signal, by parameter: the output side where there is one, else the block, unless told
     * otherwise.
     */
    private record Contracted(CondensedSignal signal, Map<String, Contraction> others) implements TensorExtension {

        @Override
        public String resultName() {
            return "contracted";
        }

        @Override
        public void declare(int stage, SiteDeclaration site) {
            Contraction usual = site.kronecker()
                    .<Contraction>map(sizes -> new Contraction.OutputFactor(sizes, KroneckerConvention.EXPAND))
                    .orElseGet(Contraction.OuterProducts::new);
            site.accumulate("it", signal, others.getOrDefault(site.parameter(), usual));
        }

        @Override
        public Tensor finish(SitePartial partial) {
            return partial.tensor("it");
        }
    }

    /** A third party's module that says nothing of its Jacobian. */
    private record Silent(Module module) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            ModuleDeclaration it = module.declare(inputs);
            return new ModuleDeclaration(
                    it.output(), it.parameters(), it.retainsInputs(), it.retainsOutput(), it.couplesSamples(), false);
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            return module.evaluate(context, inputs, parameters);
        }
    }

    private static final double[] INPUTS = new Random(5).doubles(1000, -1, 1).toArray();

    private static Map<String, double[]> run(Graph graph, Shape sample, int outputs, Noted noted, Request<?> request) {
        try (BackPack backpack = BackPack.builder().backend("cpu").build();
                Model model = backpack.model(graph, new MSELoss(LossReduction.SUM), DType.FLOAT64, sample)) {
            model.parameters().initialize(3);
            Shape inputs = sample.prepend(N);
            try (Batch batch = backpack.batch(DType.FLOAT64)
                    .input("input", inputs, Arrays.copyOf(INPUTS, (int) inputs.elements()))
                    .targets(Shape.of(N, outputs), new double[N * outputs])
                    .build()) {
                Plan plan = backpack.plan(model, batch, List.of(request), PassOptions.DEFAULT);
                noted.condensed().clear();
                Map<String, double[]> values = new TreeMap<>();
                try (Results results = plan.run(batch)) {
                    results.tensors().forEach((name, tensor) -> values.put(name, tensor.toDoubleArray()));
                }
                for (String name : model.parameters().names()) {
                    values.put(name, model.parameters().get(name).toDoubleArray());
                }
                return values;
            }
        }
    }

    private static Map<String, double[]> run(
            Graph graph, Shape sample, int outputs, Noted noted, Map<String, Contraction> others) {
        return run(graph, sample, outputs, noted, Request.of(new Contracted(noted, others)));
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) -> {
            double largest = Arrays.stream(values).map(Math::abs).max().orElse(0);
            assertThat(actual.get(name)).as(name).containsExactly(values, within(1e-11 * largest));
        });
    }

    private static Module[] layers() {
        return new Module[] {
            new Linear(4, 7),
            new Tanh(),
            new Linear(7, 5),
            new Scale(0.5),
            new Tanh(),
            new Linear(5, 6),
            new Linear(6, 2)
        };
    }

    private static Module[] silent(Module... modules) {
        return Arrays.stream(modules).map(Silent::new).toArray(Module[]::new);
    }

    @Test
    void once_in_front_of_every_node_at_which_samples_matter_at_the_fewest_elements() {
        Noted noted = new Noted();
        Counted first = Counted.of(new Linear(4, 7));
        Module[] layers = layers();
        layers[0] = first;

        run(Graph.sequential(layers), Shape.of(4), 2, noted, Map.of());

        assertThat(noted.condensed()).containsExactly(Shape.of(2, N, 2), Shape.of(2, N, 5));
        assertThat(first.notes()).contains("bias OuterProducts of 5").doesNotContain("pullback of 7");
    }

    @Test
    void at_every_node_of_modules_that_say_nothing() {
        Noted some = new Noted();
        Noted all = new Noted();

        Map<String, double[]> expected = run(Graph.sequential(silent(layers())), Shape.of(4), 2, all, Map.of());
        Map<String, double[]> actual = run(Graph.sequential(layers()), Shape.of(4), 2, some, Map.of());

        assertThat(all.condensed())
                .containsExactly(
                        Shape.of(2, N, 2),
                        Shape.of(2, N, 6),
                        Shape.of(6, N, 5),
                        Shape.of(5, N, 5),
                        Shape.of(5, N, 5),
                        Shape.of(5, N, 7),
                        Shape.of(7, N, 7));
        assertSame(actual, expected);
    }

    @Test
    void nowhere_if_samples_matter_nowhere() {
        Noted noted = new Noted();

        run(Graph.sequential(new Flatten(), new Linear(6, 3), new Linear(3, 5)), Shape.of(2, 3), 5, noted, Map.of());

        assertThat(noted.condensed()).isEmpty();
    }

    @Test
    void where_more_is_wanted_of_a_layer_than_its_output_side() {
        Map<String, Contraction> squares =
                Map.of("0.weight", new Contraction.SumOfSquares(), "2.weight", new Contraction.SumOfSquares());
        Noted some = new Noted();
        Noted all = new Noted();

        Map<String, double[]> expected = run(Graph.sequential(silent(layers())), Shape.of(4), 2, all, squares);
        Map<String, double[]> actual = run(Graph.sequential(layers()), Shape.of(4), 2, some, squares);

        assertThat(some.condensed())
                .containsExactly(Shape.of(2, N, 2), Shape.of(2, N, 5), Shape.of(5, N, 7), Shape.of(7, N, 7));
        assertSame(actual, expected);
    }

    @Test
    void no_module_changes_results_by_what_it_says() {
        Module[] modules = {
            Conv.of(2, 2, 4, 3).withPadding(1).withGroups(2),
            new Tanh(),
            Pad.zeros(0, 1),
            AvgPool.of(2, 2),
            new BatchNorm(2, 4, 1e-5, 0.1, false, true, Mode.EVAL),
            new Tanh(),
            ConvTranspose.of(2, 4, 2, 2),
            BatchNorm.of(2, 2, Mode.EVAL),
            new Dropout(0.5, Mode.EVAL),
            AdaptiveAvgPool.of(2, 3),
            new Permute(0, 2, 3, 1),
            new Tanh(),
            new Linear(2, 3),
            new Identity(),
            new Slice(List.of(new Slice.Range(), new Slice.Range(0L, 2L, 1L))),
            new Tanh(),
            new Flatten(),
            new Linear(18, 3)
        };
        Shape sample = Shape.of(2, 5, 6);
        for (KroneckerConvention convention : KroneckerConvention.values()) {
            Request<?> kfra = Request.of(new KFRA(Optional.of(convention)));
            assertSame(
                    run(Graph.sequential(modules), sample, 3, new Noted(), kfra),
                    run(Graph.sequential(silent(modules)), sample, 3, new Noted(), kfra));
        }
    }

    /** y = gain ⊙ a ⊙ x twice, with a layer below each: all by hand. */
    @Test
    void the_curvature_below_a_third_partys_module_is_the_mean_over_samples() {
        Noted noted = new Noted();
        Graph graph = Graph.builder()
                .add("a", new Linear(3, 3))
                .add("g", new GatedSquare(), "a", "input")
                .add("b", new Linear(3, 3))
                .add("h", new GatedSquare(), "b", "input")
                .build();
        Map<String, double[]> actual = run(graph, Shape.of(3), 3, noted, Map.of());
        assertThat(noted.condensed()).containsExactly(Shape.of(3, N, 3), Shape.of(3, N, 3));

        double[][] inputs = new double[N][];
        double[][] atG = new double[N][3];
        double[][] atH = new double[N][3];
        for (int n = 0; n < N; n++) {
            double[] x = Arrays.copyOfRange(INPUTS, 3 * n, 3 * n + 3);
            inputs[n] = x;
            double[] g = linear(actual, "a", x);
            for (int i = 0; i < 3; i++) {
                atG[n][i] = g[i] * x[i];
                g[i] *= actual.get("g.gain")[i] * x[i];
            }
            double[] h = linear(actual, "b", g);
            for (int i = 0; i < 3; i++) {
                atH[n][i] = h[i] * x[i];
            }
        }
        double[] top = {2 * N, 0, 0, 0, 2 * N, 0, 0, 0, 2 * N};
        double[] belowH = scaled(mean(top, inputs), actual.get("h.gain"));
        double[] belowB = sandwiched(actual.get("b.weight"), belowH);
        double[] belowG = scaled(mean(belowB, inputs), actual.get("g.gain"));
        assertThat(actual.get("h.gain/contracted")).containsExactly(mean(top, atH), within(1e-11));
        assertThat(actual.get("b.weight/contracted")).containsExactly(belowH, within(1e-11));
        assertThat(actual.get("g.gain/contracted")).containsExactly(mean(belowB, atG), within(1e-11));
        assertThat(actual.get("a.weight/contracted")).containsExactly(belowG, within(1e-11));
        assertThat(actual.get("a.bias/contracted")).containsExactly(belowG, within(1e-11));
    }

    private static double[] linear(Map<String, double[]> parameters, String node, double[] x) {
        double[] result = parameters.get(node + ".bias").clone();
        for (int i = 0; i < 9; i++) {
            result[i / 3] += parameters.get(node + ".weight")[i] * x[i % 3];
        }
        return result;
    }

    /** (1/N) Σ_n diag(d_n) H diag(d_n). */
    private static double[] mean(double[] matrix, double[][] diagonals) {
        double[] result = new double[9];
        for (double[] diagonal : diagonals) {
            double[] one = scaled(matrix, diagonal);
            Arrays.setAll(result, i -> result[i] + one[i] / N);
        }
        return result;
    }

    private static double[] scaled(double[] matrix, double[] diagonal) {
        double[] result = new double[9];
        Arrays.setAll(result, i -> matrix[i] * diagonal[i / 3] * diagonal[i % 3]);
        return result;
    }

    /** Wᵀ H W. */
    private static double[] sandwiched(double[] w, double[] h) {
        double[] result = new double[9];
        for (int i = 0; i < 9; i++) {
            for (int j = 0; j < 9; j++) {
                result[i] += w[j / 3 * 3 + i / 3] * h[j] * w[j % 3 * 3 + i % 3];
            }
        }
        return result;
    }
}
