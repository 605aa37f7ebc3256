// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Fusion;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FusedGraphTest {

    private static final PartMaker NO_PARTS = (owner, type, arguments) -> {
        throw new IllegalStateException("no compositions in these tests");
    };

    private static final Shape SAMPLE = Shape.of(3);

    /** Keeps shapes; {@code W} has a weight. */
    private record Letter(String type) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            ModuleDeclaration declaration = ModuleDeclaration.output(inputs.get(0));
            return type.equals("W")
                    ? declaration.parameter(ParameterSpec.parameter("weight", SAMPLE, new Initializer.Constant(1)))
                    : declaration;
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            throw new IllegalStateException("not evaluated in these tests");
        }
    }

    /** Replaces chains whose types are these letters. */
    private static Fusion fusing(String letters) {
        return (chain, input) -> {
            assertThat(input).isEqualTo(SAMPLE);
            assertThat(chain).hasSizeGreaterThan(1);
            String types = chain.stream().map(Module::type).collect(Collectors.joining());
            return types.equals(letters) ? Optional.of(new Letter("<" + letters + ">")) : Optional.empty();
        };
    }

    /** A chain of modules of these types, with names {@code 0}, {@code 1}, … */
    private static Graph.Builder chain(String letters) {
        Graph.Builder builder = Graph.builder();
        IntStream.range(0, letters.length())
                .forEach(i -> builder.add(String.valueOf(i), new Letter(letters.substring(i, i + 1))));
        return builder;
    }

    private static BoundGraph fused(Graph.Builder graph, Fusion... fusions) {
        BoundGraph bound = BoundGraph.bind(graph.build(), List.of(SAMPLE), NO_PARTS);
        BoundGraph fused = bound.fused(List.of(fusions));
        assertThat(fused.parameters()).isEqualTo(bound.parameters());
        assertThat(fused.outputShape()).isEqualTo(bound.outputShape());
        IntStream.range(0, fused.nodes().size())
                .forEach(i -> assertThat(fused.nodes().get(i).index()).isEqualTo(i));
        return fused;
    }

    /** Names, types and sources of all nodes, and the output. */
    private static String text(BoundGraph graph) {
        return graph.nodes().stream()
                        .map(node ->
                                node.node().name() + ":" + node.node().module().type()
                                        + node.inputs().stream()
                                                .map(source -> (source.fromNode() ? "" : "in") + source.index())
                                                .toList())
                        .collect(Collectors.joining(" "))
                + " -> " + graph.output();
    }

    @Test
    void a_chain_becomes_one_node() {
        assertThat(text(fused(chain("WABW"), fusing("AB")))).isEqualTo("0:W[in0] 1+2:<AB>[0] 3:W[1] -> 2");
        assertThat(text(fused(chain("ABC"), fusing("AB")))).isEqualTo("0+1:<AB>[in0] 2:C[0] -> 1");
    }

    @Test
    void a_chain_may_end_the_graph_or_be_all_of_it() {
        assertThat(text(fused(chain("WAB"), fusing("AB")))).isEqualTo("0:W[in0] 1+2:<AB>[0] -> 1");
        assertThat(text(fused(chain("AB"), fusing("AB")))).isEqualTo("0+1:<AB>[in0] -> 0");
    }

    @Test
    void the_longest_chain_counts_and_the_first_fusion_that_takes_it() {
        assertThat(text(fused(chain("ABC"), fusing("AB"), fusing("ABC")))).isEqualTo("0+1+2:<ABC>[in0] -> 0");
        Fusion other = (chain, input) -> Optional.of(new Letter("other"));
        assertThat(text(fused(chain("AB"), fusing("AB"), other))).isEqualTo("0+1:<AB>[in0] -> 0");
        assertThat(text(fused(chain("AB"), other, fusing("AB")))).isEqualTo("0+1:other[in0] -> 0");
    }

    @Test
    void chains_follow_each_other() {
        assertThat(text(fused(chain("ABABCAB"), fusing("AB"))))
                .isEqualTo("0+1:<AB>[in0] 2+3:<AB>[0] 4:C[1] 5+6:<AB>[2] -> 3");
        assertThat(text(fused(chain("AAB"), fusing("AB")))).isEqualTo("0:A[in0] 1+2:<AB>[0] -> 1");
    }

    @Test
    void without_fusions_nothing_changes() {
        BoundGraph bound = BoundGraph.bind(chain("WABW").build(), List.of(SAMPLE), NO_PARTS);
        assertThat(bound.fused(List.of()).nodes()).isEqualTo(bound.nodes());
        assertThat(text(fused(chain("WABW"), fusing("BA")))).isEqualTo(text(bound));
    }

    @Test
    void modules_with_parameters_are_never_part_of_one() {
        Fusion any = (chain, input) -> {
            assertThat(chain).noneMatch(module -> module.type().equals("W"));
            return Optional.of(new Letter("any"));
        };
        assertThat(text(fused(chain("AWBWCD"), any))).isEqualTo("0:A[in0] 1:W[0] 2:B[1] 3:W[2] 4+5:any[3] -> 4");
    }

    /** a is read by b, which follows it, and by c. */
    @Test
    void an_intermediate_that_is_read_twice_stays() {
        Graph.Builder graph = Graph.builder()
                .add("a", new Letter("A"), "input")
                .add("b", new Letter("B"), "a")
                .add("c", new Letter("C"), "a")
                .add("sum", new Letter("S"), "b", "c");
        assertThat(text(fused(graph, fusing("AB"), fusing("AC")))).isEqualTo("a:A[in0] b:B[0] c:C[0] sum:S[1, 2] -> 3");
        Graph.Builder squared =
                Graph.builder().add("a", new Letter("A"), "input").add("mul", new Letter("B"), "a", "a");
        assertThat(text(fused(squared, fusing("AB")))).isEqualTo("a:A[in0] mul:B[0, 0] -> 1");
    }

    /** Both arms read what comes before them; one of them is fused. */
    @Test
    void a_chain_may_begin_at_a_fork_and_end_where_paths_meet() {
        Graph.Builder graph = Graph.builder()
                .add("w", new Letter("W"), "input")
                .add("a", new Letter("A"), "w")
                .add("b", new Letter("B"), "a")
                .add("sum", new Letter("S"), "w", "b")
                .add("c", new Letter("A"), "sum")
                .add("d", new Letter("B"), "c");
        assertThat(text(fused(graph, fusing("AB")))).isEqualTo("w:W[in0] a+b:<AB>[0] sum:S[0, 1] c+d:<AB>[2] -> 3");
        Graph.Builder behind = Graph.builder()
                .add("a", new Letter("A"), "input")
                .add("b", new Letter("B"), "a")
                .add("c", new Letter("C"), "b")
                .add("sum", new Letter("S"), "b", "c");
        assertThat(text(fused(behind, fusing("AB")))).isEqualTo("a+b:<AB>[in0] c:C[0] sum:S[0, 1] -> 2");
    }

    /** b reads a alone, but w stands between them. */
    @Test
    void a_chain_does_not_jump_over_other_nodes() {
        Graph.Builder graph = Graph.builder()
                .add("a", new Letter("A"), "input")
                .add("w", new Letter("W"), "input")
                .add("b", new Letter("B"), "a")
                .add("sum", new Letter("S"), "w", "b");
        assertThat(text(fused(graph, fusing("AB")))).isEqualTo("a:A[in0] w:W[in0] b:B[0] sum:S[1, 2] -> 3");
    }

    @Test
    void tied_parameters_move_with_their_nodes() {
        Graph.Builder graph = chain("WAB")
                .add(new Graph.Node("tied", new Letter("W"), List.of(), Frozen.NONE, Map.of("weight", "0.weight")))
                .add("c", new Letter("A"))
                .add("d", new Letter("B"))
                .add("last", new Letter("W"));
        BoundGraph fused = fused(graph, fusing("AB"));
        assertThat(text(fused)).isEqualTo("0:W[in0] 1+2:<AB>[0] tied:W[1] c+d:<AB>[2] last:W[3] -> 4");
        assertThat(fused.uses())
                .isEqualTo(Map.of(
                        "0.weight",
                        List.of(new BoundGraph.Use(0, "weight"), new BoundGraph.Use(2, "weight")),
                        "last.weight",
                        List.of(new BoundGraph.Use(4, "weight"))));
        assertThat(fused.nodes().get(2).owners())
                .isEqualTo(Map.of("weight", new BoundNode.Owner("0.weight", Optional.empty())));
    }

    @Test
    void what_a_fusion_does_wrong_is_a_problem_that_names_it() {
        Fusion throwing = (chain, input) -> {
            throw new IllegalStateException("no idea");
        };
        assertThatThrownBy(() -> fused(chain("AB"), throwing))
                .isInstanceOf(BackpackException.class)
                .hasMessageStartingWith(
                        "[PluginFailure] The fusion of nodes '0', '1' (A, B) failed:"
                                + " java.lang.IllegalStateException: no idea. This is an error of the plugin that provides it, ")
                .hasMessageContaining("test-classes");
        Module smaller = new Module() {
            @Override
            public String type() {
                return "Smaller";
            }

            @Override
            public ModuleDeclaration declare(List<Shape> inputs) {
                return ModuleDeclaration.output(Shape.of(2));
            }

            @Override
            public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
                throw new IllegalStateException("not evaluated in these tests");
            }
        };
        assertThatThrownBy(() -> fused(chain("AB"), (chain, input) -> Optional.of(smaller)))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining(
                        "[PluginFailure] The fusion of nodes '0', '1' (A, B) offers Smaller, which makes [2] of"
                                + " [3] where they make [3].");
        assertThatThrownBy(() -> fused(chain("AB"), (chain, input) -> Optional.of(new Letter("W"))))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("offers W, which has parameters where they have none.");
    }
}
