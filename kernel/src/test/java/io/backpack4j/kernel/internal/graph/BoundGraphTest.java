// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.Frozen;
import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BoundGraphTest {

    private static final PartMaker NO_PARTS = (owner, type, arguments) -> {
        throw new IllegalStateException("no compositions in these tests");
    };

    /** Maps vectors to vectors of another size; has a weight and a buffer. */
    private record Stretch(long in, long out) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            if (!inputs.get(0).equals(Shape.of(in))) {
                throw new BackpackException(
                        CommonProblems.SHAPE_MISMATCH, "takes [" + in + "], not " + inputs.get(0) + ".");
            }
            return ModuleDeclaration.output(Shape.of(out))
                    .parameter(ParameterSpec.parameter("weight", Shape.of(out, in), new Initializer.Constant(0)))
                    .parameter(ParameterSpec.buffer("count", Shape.of(), new Initializer.Constant(0)));
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            throw new IllegalStateException("not evaluated in these tests");
        }
    }

    private static Graph.Node node(String name, Module module, Frozen frozen, Map<String, String> ties) {
        return new Graph.Node(name, module, List.of(), frozen, ties);
    }

    @Test
    void parameters_have_full_names_and_uses() {
        Graph graph = Graph.builder()
                .add("a", new Stretch(3, 3))
                .add(node("b", new Stretch(3, 3), Frozen.NONE, Map.of("weight", "a.weight")))
                .add(node("c", new Stretch(3, 2), Frozen.ALL, Map.of()))
                .build();
        BoundGraph bound = BoundGraph.bind(graph, List.of(Shape.of(3)), NO_PARTS);
        assertThat(bound.parameters().keySet())
                .containsExactly("a.weight", "a.count", "b.count", "c.weight", "c.count");
        assertThat(bound.uses())
                .isEqualTo(
                        Map.of("a.weight", List.of(new BoundGraph.Use(0, "weight"), new BoundGraph.Use(1, "weight"))));
        assertThat(bound.outputShape()).isEqualTo(Shape.of(2));
    }

    @Test
    void a_tied_parameter_frozen_anywhere_is_frozen_everywhere() {
        Graph graph = Graph.builder()
                .add("a", new Stretch(3, 3))
                .add(node("b", new Stretch(3, 3), Frozen.ALL, Map.of("weight", "a.weight")))
                .add("c", new Stretch(3, 3))
                .build();
        BoundGraph bound = BoundGraph.bind(graph, List.of(Shape.of(3)), NO_PARTS);
        assertThat(bound.uses().keySet()).containsExactly("c.weight");
    }

    @Test
    void what_does_not_fit_names_the_node() {
        assertThatThrownBy(() -> BoundGraph.bind(
                        Graph.builder()
                                .add("x", new Stretch(3, 4))
                                .add("y", new Stretch(5, 1))
                                .build(),
                        List.of(Shape.of(3)),
                        NO_PARTS))
                .hasMessage("[ShapeMismatch] Node 'y' (Stretch): takes [5], not [4].");
    }

    @Test
    void wrong_ties_and_frozen_names_are_reported_together() {
        Graph graph = Graph.builder()
                .add("a", new Stretch(3, 4))
                .add(node("b", new Stretch(4, 4), Frozen.NONE, Map.of("weight", "a.weight", "bias", "a.bias")))
                .add(node("c", new Stretch(4, 4), new Frozen(false, Set.of("wight")), Map.of("weight", "z.weight")))
                .build();
        assertThatThrownBy(() -> BoundGraph.bind(graph, List.of(Shape.of(3)), NO_PARTS))
                .isInstanceOfSatisfying(
                        BackpackException.class,
                        e -> assertThat(e.problems())
                                .extracting(problem -> problem.id().name())
                                .containsExactly(
                                        "ShapeMismatch", "UnknownParameter", "UnknownParameter", "UnknownParameter"));
    }

    @Test
    void a_graph_reports_all_its_problems() {
        assertThatThrownBy(() -> Graph.builder()
                        .add("a", new Stretch(3, 3), "nowhere")
                        .add("b", new Stretch(3, 3), "c")
                        .add("c", new Stretch(3, 3), "a")
                        .add("c", new Stretch(3, 3), "input")
                        .output("z")
                        .build())
                .isInstanceOfSatisfying(
                        BackpackException.class,
                        e -> assertThat(e.problems())
                                .extracting(problem -> problem.id().name())
                                .containsExactly("UnknownInput", "UnknownInput", "DuplicateNode", "UnknownOutput"))
                .hasMessageContaining("cycles are not possible");
        assertThatThrownBy(() -> Graph.builder()
                        .add("a", new Stretch(3, 3), "input")
                        .add("b", new Stretch(3, 3), "input")
                        .build())
                .hasMessage("[UnusedNode] Node 'a' does not lead to the output 'b'. Remove it or connect it.");
        assertThatThrownBy(() -> Graph.sequential()).hasMessageStartingWith("[EmptyModel]");
    }
}
