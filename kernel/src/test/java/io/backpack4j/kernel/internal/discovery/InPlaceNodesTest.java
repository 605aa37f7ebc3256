// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.discovery;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Networks are written as {@code name=type(inputs)}; {@code view} is a view, and an exclamation mark says in place. */
class InPlaceNodesTest {

    private record Stub(String type) implements Module {

        @Override
        public boolean isView() {
            return type.equals("view");
        }

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            return ModuleDeclaration.output(inputs.get(0));
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            throw new IllegalStateException("not evaluated in these tests");
        }
    }

    private static void check(String... network) {
        Graph.Builder builder = Graph.builder();
        List<NodeDescription> descriptions = new ArrayList<>();
        for (String node : network) {
            String name = node.substring(0, node.indexOf('='));
            String type = node.substring(node.indexOf('=') + 1, node.indexOf('('));
            String[] inputs =
                    node.substring(node.indexOf('(') + 1, node.length() - 1).split(",", -1);
            boolean inPlace = type.endsWith("!");
            String plain = type.replace("!", "");
            builder.add(name, new Stub(plain), inputs);
            descriptions.add(new NodeDescription(name, plain, Map.of("inplace", inPlace), List.of(inputs)));
        }
        InPlaceNodes.check(builder.build(), descriptions);
    }

    private static void accepted(String... network) {
        assertThatCode(() -> check(network)).doesNotThrowAnyException();
    }

    private static void refused(String writer, String reader, String... network) {
        assertThatThrownBy(() -> check(network))
                .hasMessageStartingWith("[InPlaceConflict] Node '" + writer + "' (")
                .hasMessageContaining("the later node '" + reader + "' (");
    }

    @Test
    void chains_are_accepted() {
        accepted("c=conv(input)", "r=relu!(c)", "f=view(r)", "d=drop!(f)", "h=linear(d)");
        accepted("r=relu!(input)", "h=linear(r)");
    }

    @Test
    void what_was_read_before_does_not_matter() {
        accepted("c=conv(input)", "s=scale(c)", "r=relu!(c)", "a=sum(s,r)");
    }

    @Test
    void a_later_reader_of_the_input_is_refused_and_both_are_named() {
        refused("r", "a", "c=conv(input)", "r=relu!(c)", "a=sum(r,c)");
        refused("r", "s", "r=relu!(input)", "s=scale(input)", "a=sum(r,s)");
        assertThatThrownBy(() -> check("c=conv(input)", "r=relu!(c)", "a=sum(r,c)"))
                .hasMessage(
                        "[InPlaceConflict] Node 'r' (relu) has inplace = true, and the later node 'a' (sum) reads 'c', its input: in PyTorch it would see what 'r' wrote there, while here nothing is overwritten. Leave inplace out if 'a' shall see the numbers as they were, or let it read 'r'.");
    }

    @Test
    void views_share_what_is_overwritten() {
        refused("r", "a", "c=conv(input)", "v=view(c)", "r=relu!(c)", "a=sum(r,v)");
        refused("r", "a", "c=conv(input)", "v=view(c)", "r=relu!(v)", "a=sum(r,c)");
        refused("r", "a", "c=conv(input)", "v=view(c)", "w=view(c)", "r=relu!(v)", "a=sum(r,w)");
        refused("r", "v", "c=conv(input)", "r=relu!(c)", "v=view(c)", "a=sum(r,v)");
        accepted("c=conv(input)", "r=relu!(c)", "v=view(r)", "w=view(r)", "a=sum(v,w)");
        assertThatThrownBy(() -> check("c=conv(input)", "v=view(c)", "r=relu!(v)", "a=sum(r,c)"))
                .hasMessageContaining("reads 'c', which shares memory with its input:");
    }

    @Test
    void views_with_the_flag_write_nothing() {
        accepted("c=conv(input)", "v=view!(c)", "a=sum(v,c)");
    }

    @Test
    void a_second_writer_changes_what_the_first_wrote() {
        accepted("c=conv(input)", "r=relu!(c)", "e=elu!(r)", "a=sum(e)");
        refused("e", "a", "c=conv(input)", "r=relu!(c)", "e=elu!(r)", "a=sum(e,r)");
    }

    @Test
    void residual_blocks_as_they_are_usually_written_are_accepted() {
        accepted("c=conv(input)", "r=relu!(c)", "d=conv(r)", "e=relu!(d)", "f=conv(e)", "a=sum(f,r)", "g=relu!(a)");
        // Activation before the convolution: the way round it starts from what the activation overwrites.
        refused("r", "a", "b=norm(input)", "r=relu!(b)", "c=conv(r)", "a=sum(c,b)");
    }

    @Test
    void all_conflicts_are_reported() {
        assertThatThrownBy(() -> check("c=conv(input)", "r=relu!(c)", "s=scale(c)", "a=sum(r,s,c)"))
                .hasMessageContaining("later node 's'")
                .hasMessageContaining("later node 'a'");
    }
}
