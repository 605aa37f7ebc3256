// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Composition;
import io.backpack4j.spi.module.CompositionGraph;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user sees of a composition: one module, and what is wrong with it under its name. */
class CompositionMessagesTest {

    private static final Shape SAMPLE = Shape.of(2);
    private static final Map<String, Object> SQUARE = Map.of("in_features", 2, "out_features", 2);
    private static final ParameterSpec WEIGHT =
            ParameterSpec.parameter("all", Shape.of(4, 2), new Initializer.Constant(1));

    @TempDir
    private static Path folder;

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = ComposingPlugin.open(folder);
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    /** A composition of anything. */
    private record Made(Consumer<CompositionGraph.Builder> by) implements Composition {
        @Override
        public CompositionGraph compose(List<Shape> inputs) {
            CompositionGraph.Builder builder = CompositionGraph.builder();
            by.accept(builder);
            return builder.build();
        }
    }

    private static Map<String, ParameterSpec> bind(Consumer<CompositionGraph.Builder> by) {
        return backpack.parameters(Graph.builder().add("enc", new Made(by)).build(), SAMPLE);
    }

    private static void assertProblem(Consumer<CompositionGraph.Builder> by, String... messages) {
        assertThatThrownBy(() -> bind(by))
                .isInstanceOfSatisfying(
                        BackpackException.class,
                        e -> assertThat(e.problems())
                                .as(Arrays.toString(messages))
                                .hasSize(messages.length)
                                .allSatisfy(problem -> assertThat(messages)
                                        .anySatisfy(message ->
                                                assertThat(problem.toString()).contains(message))));
    }

    @Test
    void parts_that_are_missing_or_have_wrong_arguments_are_reported_together() {
        assertProblem(
                graph -> graph.part("q", "Lineer", SQUARE, CompositionGraph.input(0))
                        .part("k", "Linear", Map.of("in_featurez", 2, "in_features", 2, "out_features", 2), "q")
                        .part("v", "Linear", Map.of("in_features", 2, "out_features", 0), "k"),
                "Node 'enc' (Made), part 'q' has the type 'Lineer', which is not available. Did you mean 'Linear'?",
                "Node 'enc' (Made), part 'k' (Linear) has no argument 'in_featurez'",
                "Argument 'out_features' of node 'enc' (Made), part 'v' (Linear) is 0");
    }

    @Test
    void shapes_that_do_not_fit_name_node_and_part() {
        assertProblem(
                graph -> graph.part(
                        "q", "Linear", Map.of("in_features", 3, "out_features", 2), CompositionGraph.input(0)),
                "Node 'enc' (Made), part 'q' (Linear): Linear has in_features = 3");
        assertThatThrownBy(() -> backpack.parameters(
                        Graph.builder()
                                .add("enc", new GatedAttention(3, 0, GatedAttention.Mode.TRAIN))
                                .build(),
                        SAMPLE))
                .hasMessageContaining("Node 'enc' (GatedAttention): GatedAttention takes [*, 3] and perhaps a mask");
    }

    @Test
    void graphs_that_do_not_fit_together_are_errors_of_the_plugin() {
        String x = CompositionGraph.input(0);
        assertProblem(
                graph -> graph.part("q", "Linear", SQUARE, x).use("wait", "q.weight"),
                "Node 'enc' (Made): its graph does not fit together: part 'q' (Linear) has no parameter 'wait'; its parameters: [");
        assertProblem(
                graph ->
                        graph.parameter(WEIGHT).part("q", "Linear", SQUARE, x).use("weight", "all", new RowBlock(3, 5)),
                "parameter 'weight' of part 'q' has shape [2, 2], but is rows [3, 5) of parameter 'all' of shape [4, 2]");
        assertProblem(
                graph -> graph.parameter(WEIGHT).part("q", "Linear", SQUARE, x).use("weight", "all"),
                "parameter 'weight' of part 'q' has shape [2, 2], but is all of parameter 'all' of shape [4, 2]");
        assertProblem(
                graph -> graph.parameter(ParameterSpec.buffer("all", Shape.of(2, 2), new Initializer.Constant(0)))
                        .part("q", "Linear", SQUARE, x)
                        .use("weight", "all"),
                "but is all of buffer 'all'");
        assertProblem(
                graph -> graph.part("q", "Linear", SQUARE, x).use("weight", "some"),
                "part 'q' uses the parameter 'some', which is none of []");
        assertProblem(
                graph -> graph.parameter(WEIGHT).part("q", "Linear", SQUARE, x), "no part uses its parameters [all]");
        assertProblem(
                graph -> graph.part("q", "Sum", Map.of(), x, CompositionGraph.input(1)),
                "[InputCountMismatch] Node 'enc' (Made): takes 2 input(s), but was given 1.");
        assertProblem(
                graph -> graph.part("q", "Linear", SQUARE, CompositionGraph.input(1)),
                "its graph does not fit together: of its 2 inputs, its parts take [1] only");
        assertProblem(
                graph -> graph.part("q", "Linear", SQUARE, "k"), "part 'q' takes 'k', which is no part before it");
        assertProblem(
                graph -> graph.part("q", "Linear", SQUARE, x).part("q", "Linear", SQUARE, x),
                "two parts are named 'q'");
        assertProblem(
                graph -> graph.part("q", "Linear", SQUARE, x).part("k", "Linear", SQUARE, x),
                "what does not lead to the output 'k': 'q'");
        assertProblem(graph -> graph.part("a.b", "Linear", SQUARE, x), "'a.b' is no name for a part");
        assertThatThrownBy(() -> backpack.parameters(
                        Graph.builder()
                                .inputs("a", "b")
                                .add("enc", new Made(g -> g.part("q", "Linear", SQUARE, x)), "a", "b")
                                .build(),
                        SAMPLE,
                        SAMPLE))
                .hasMessageContaining("[InputCountMismatch] Node 'enc' (Made): takes 1 input(s), but was given 2.");
    }

    @Test
    void what_a_composition_throws_is_an_error_of_its_plugin() {
        assertProblem(
                graph -> {
                    throw new IllegalStateException("no idea");
                },
                "Node 'enc' (Made): failed as it composed its graph: java.lang.IllegalStateException: no idea.");
    }

    @Test
    void a_composition_of_itself_ends() {
        var endless = new Made(graph -> graph.part("again", "GatedForever", Map.of(), CompositionGraph.input(0)));
        assertThatThrownBy(() ->
                        backpack.parameters(Graph.builder().add("enc", endless).build(), SAMPLE))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("[InvalidComposition]")
                .hasMessageContaining("it is more than 64 compositions deep; does it contain itself?");
    }

    @Test
    void names_that_meet_are_refused() {
        Composition one = new Made(graph -> graph.part("q", "Linear", SQUARE, CompositionGraph.input(0)));
        assertThatThrownBy(() -> backpack.parameters(
                        Graph.builder().add("enc", one).add("enc.q", one).build(), SAMPLE))
                .hasMessageContaining("[DuplicateNode]")
                .hasMessageContaining("'enc.q'");
    }

    @Test
    void ties_and_frozen_parameters_are_the_compositions_own() {
        Graph graph = Graph.builder()
                .add(new Graph.Node(
                        "enc",
                        new GatedAttention(2, 0, GatedAttention.Mode.TRAIN),
                        List.of(),
                        new Frozen(false, Set.of("q.weight")),
                        Map.of("k.weight", "enc.in_proj_weight")))
                .build();
        assertThatThrownBy(() -> backpack.parameters(graph, SAMPLE))
                .hasMessageContaining(
                        "Node 'enc' (GatedAttention) has no parameter 'q.weight', which its 'requires_grad' names. Its parameters: in_proj_weight, in_proj_bias, out_proj.bias, out_proj.weight, again.bias.")
                .hasMessageContaining(
                        "Node 'enc' (GatedAttention) has no parameter 'k.weight', which its 'tie' names.");
    }

    @Test
    void parameters_have_the_compositions_names_first_values_and_stacked_factors() {
        Graph graph = Graph.builder().add("enc", new GatedBlock(3)).build();
        Map<String, ParameterSpec> parameters = backpack.parameters(graph, Shape.of(3));
        assertThat(parameters.keySet())
                .containsExactly(
                        "enc.self_attn.in_proj_weight",
                        "enc.self_attn.in_proj_bias",
                        "enc.self_attn.out_proj.bias",
                        "enc.self_attn.out_proj.weight",
                        "enc.self_attn.again.bias",
                        "enc.linear1.weight",
                        "enc.linear1.bias");
        ParameterSpec projection = parameters.get("enc.self_attn.in_proj_weight");
        assertThat(projection.initializer()).isEqualTo(new Initializer.Uniform(GatedAttention.BOUND));
        assertThat(projection.kronecker())
                .isEqualTo(Optional.of(new KroneckerSizes(3, 3, 3, 1, KroneckerConvention.EXPAND)));
        assertThat(parameters.get("enc.self_attn.in_proj_bias").kronecker()).isEmpty();
        try (Model model = backpack.model(graph, new MSELoss(LossReduction.MEAN), DType.FLOAT64, Shape.of(3))) {
            model.parameters().initialize(1);
            double[] weight =
                    model.parameters().get("enc.self_attn.in_proj_weight").toDoubleArray();
            assertThat(Arrays.stream(weight).map(Math::abs).max().orElseThrow())
                    .isBetween(0.5 * GatedAttention.BOUND, GatedAttention.BOUND);
            assertThat(model.parameters().get("enc.self_attn.out_proj.bias").toDoubleArray())
                    .containsOnly(0.5);
            assertThat(model.outputShape()).isEqualTo(Shape.of(3));
        }
    }

    @Test
    void blocks_of_unequal_sizes_have_one_exact_factor() {
        Map<String, ParameterSpec> parameters = bind(
                graph -> graph.parameter(ParameterSpec.parameter("all", Shape.of(3, 2), new Initializer.Constant(0)))
                        .part(
                                "q",
                                "Linear",
                                Map.of("in_features", 2, "out_features", 1, "bias", false),
                                CompositionGraph.input(0))
                        .use("weight", "all", new RowBlock(0, 1))
                        .part(
                                "k",
                                "Linear",
                                Map.of("in_features", 2, "out_features", 2, "bias", false),
                                CompositionGraph.input(0))
                        .use("weight", "all", new RowBlock(1, 3))
                        .part("both", "Concat", Map.of("dim", 1), "q", "k"));
        assertThat(parameters).containsOnlyKeys("enc.all");
        assertThat(parameters.get("enc.all").kronecker()).isEmpty();
    }

    @Test
    void a_model_file_holds_a_composition_as_one_node(@TempDir Path directory) {
        Graph graph = Graph.builder()
                .inputs("input", "mask")
                .add("enc", new GatedAttention(2, 0.25, GatedAttention.Mode.EVAL), "input", "mask")
                .add("block", new GatedBlock(2))
                .build();
        Path file = directory.resolve("model.json");
        ModelFile.write(file, ModelDescription.of(graph, new MSELoss(LossReduction.MEAN)));
        assertThat(backpack.catalog().graph(ModelFile.read(file)).nodes()).isEqualTo(graph.nodes());
    }

    @Test
    void an_extension_that_needs_one_path_says_where_it_forks() {
        Graph graph = Graph.builder()
                .add("enc", new GatedAttention(2, 0, GatedAttention.Mode.TRAIN))
                .build();
        try (Model model = backpack.model(graph, new MSELoss(LossReduction.MEAN), DType.FLOAT64, SAMPLE);
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input("input", Shape.of(1, 2), new double[2])
                        .targets(Shape.of(1, 2), new double[2])
                        .build()) {
            List<Request<?>> requests = List.of(backpack.catalog().request("KFRA", Map.of()));
            assertThatThrownBy(() -> backpack.plan(model, batch, requests, PassOptions.DEFAULT))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[NotAChain] KFRA follows one path from the loss to each parameter")
                    .hasMessageContaining("node 'enc' (GatedAttention), part");
        }
    }
}
