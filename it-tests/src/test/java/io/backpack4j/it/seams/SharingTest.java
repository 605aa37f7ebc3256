// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.secondorder.BatchDiagGGNExact;
import io.backpack4j.ext.secondorder.BatchDiagGGNMC;
import io.backpack4j.ext.secondorder.BatchDiagHessian;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.ext.secondorder.KFRA;
import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.ext.secondorder.SqrtGGNMC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is propagated and contracted when several extensions ask for it: everything once. */
class SharingTest {

    private static final int N = 4;
    private static final int CLASSES = 4;

    /** What a pass asks of the nodes {@code Linear}, {@code Tanh} and {@code Linear}, sorted, in this order. */
    private static List<List<String>> notes(PassOptions options, Extension<?>... extensions) {
        return notes(
                options, Arrays.stream(extensions).<Request<?>>map(Request::of).toList());
    }

    private static List<List<String>> notes(PassOptions options, List<Request<?>> requests) {
        Counted first = Counted.of(new Linear(5, 4, false));
        Counted between = Counted.of(new Tanh());
        Counted last = Counted.of(new Linear(4, CLASSES, false));
        List<List<String>> notes = new ArrayList<>();
        try (BackPack backpack = BackPack.builder().backend("cpu").build();
                Model model = backpack.model(
                        Graph.sequential(first, between, last),
                        new CrossEntropyLoss(LossReduction.MEAN),
                        DType.FLOAT64,
                        Shape.of(5));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input("input", Shape.of(N, 5), new double[N * 5])
                        .targets(Shape.of(N), new long[] {0, 2, 1, 0})
                        .build()) {
            model.parameters().initialize(1);
            Plan plan = backpack.plan(model, batch, requests, options);
            for (Counted node : List.of(first, between, last)) {
                node.notes().clear();
            }
            try (Results results = plan.run(batch)) {
                assertThat(results.tensors()).isNotEmpty();
            }
            for (Counted node : List.of(first, between, last)) {
                notes.add(node.notes().stream().sorted().toList());
            }
        }
        return notes;
    }

    private static void assertNotes(List<List<String>> notes, List<String> pullbacks, List<String> contractions) {
        List<String> atLinear = new ArrayList<>(contractions);
        atLinear.addAll(pullbacks);
        atLinear.sort(null);
        assertThat(notes).containsExactly(atLinear, pullbacks, atLinear);
    }

    @Test
    void extensions_with_the_exact_root_propagate_it_once() {
        assertNotes(
                notes(PassOptions.DEFAULT, new DiagGGNExact(), new BatchDiagGGNExact(), new SqrtGGNExact()),
                List.of("pullback of 1", "pullback of 4"),
                List.of(
                        "weight Sum of 1",
                        "weight SumOfSquares of 4",
                        "weight SumOfSquaresPerSample of 4",
                        "weight PerSample of 4"));
    }

    @Test
    void equal_numbers_of_draws_are_propagated_once() {
        assertNotes(
                notes(PassOptions.DEFAULT, new DiagGGNMC(2), new BatchDiagGGNMC(2), new SqrtGGNMC(2)),
                List.of("pullback of 1", "pullback of 2"),
                List.of(
                        "weight Sum of 1",
                        "weight SumOfSquares of 2",
                        "weight SumOfSquaresPerSample of 2",
                        "weight PerSample of 2"));
    }

    @Test
    void different_numbers_of_draws_travel_beside_each_other() {
        assertNotes(
                notes(PassOptions.DEFAULT, new DiagGGNMC(2), new BatchDiagGGNMC(4), new BatchGrad()),
                List.of("pullback of 1", "pullback of 2", "pullback of 4"),
                List.of(
                        "weight Sum of 1",
                        "weight PerSample of 1",
                        "weight SumOfSquares of 2",
                        "weight SumOfSquaresPerSample of 4"));
    }

    @Test
    void blocks_of_columns_walk_again_without_the_gradient() {
        assertNotes(
                notes(PassOptions.DEFAULT.block(2), new DiagGGNExact(), new SumGradSquared()),
                List.of("pullback of 1", "pullback of 1", "pullback of 2"),
                List.of(
                        "weight Sum of 1",
                        "weight SumOfSquares of 1",
                        "weight SumOfSquares of 1",
                        "weight SumOfSquares of 2"));
    }

    @Test
    void the_hessian_shares_the_root_and_sends_columns_only_below_the_node_they_come_from() {
        List<List<String>> notes = notes(PassOptions.DEFAULT, new DiagHessian(), new DiagGGNExact(), new BatchGrad());

        assertThat(notes.get(0))
                .containsExactlyInAnyOrder(
                        "pullback of 1",
                        "pullback of 3",
                        "pullback of 4",
                        "weight Sum of 1",
                        "weight PerSample of 1",
                        "weight SumOfSquares of 3",
                        "weight SumOfSquares of 4");
        assertThat(notes.get(1)).containsExactlyInAnyOrder("pullback of 1", "pullback of 3", "curvature");
        assertThat(notes.get(2))
                .containsExactlyInAnyOrder(
                        "pullback of 1",
                        "pullback of 3",
                        "curvature",
                        "weight Sum of 1",
                        "weight PerSample of 1",
                        "weight SumOfSquares of 3");
    }

    @Test
    void nodes_without_a_parameter_below_that_wants_it_send_nothing() {
        List<List<String>> notes =
                notes(PassOptions.DEFAULT, List.of(Request.of(new DiagHessian()).only("2.weight")));

        assertThat(notes.get(0)).containsExactlyInAnyOrder("pullback of 1", "weight Sum of 1");
        assertThat(notes.get(1)).containsExactly("pullback of 1");
        assertThat(notes.get(2))
                .containsExactlyInAnyOrder(
                        "pullback of 1", "pullback of 3", "weight Sum of 1", "weight SumOfSquares of 3");
    }

    @Test
    void columns_of_nodes_come_in_blocks() {
        List<String> atFirst =
                notes(PassOptions.DEFAULT.block(3), new BatchDiagHessian()).get(0);

        assertThat(atFirst)
                .containsExactlyInAnyOrder(
                        "pullback of 1",
                        "pullback of 3",
                        "pullback of 3",
                        "pullback of 1",
                        "weight Sum of 1",
                        "weight SumOfSquaresPerSample of 3",
                        "weight SumOfSquaresPerSample of 3",
                        "weight SumOfSquaresPerSample of 1");
    }

    /** A convolution, Tanh, Flatten and Linear: what a pass asks of each, sorted. */
    private static List<List<String>> ofConvolution(PassOptions options, Extension<?>... extensions) {
        List<Counted> nodes = List.of(
                Counted.of(Conv.of(2, 2, 3, 2, 2)),
                Counted.of(new Tanh()),
                Counted.of(new Flatten(1, -1)),
                Counted.of(new Linear(12, CLASSES, false)));
        try (BackPack backpack = BackPack.builder().backend("cpu").build();
                Model model = backpack.model(
                        Graph.sequential(nodes.toArray(Module[]::new)),
                        new CrossEntropyLoss(LossReduction.MEAN),
                        DType.FLOAT32,
                        Shape.of(2, 3, 3));
                Batch batch = backpack.batch(DType.FLOAT32)
                        .input("input", Shape.of(N, 2, 3, 3), new double[N * 18])
                        .targets(Shape.of(N), new long[] {0, 2, 1, 0})
                        .build()) {
            model.parameters().initialize(1);
            List<Request<?>> requests =
                    Arrays.stream(extensions).<Request<?>>map(Request::of).toList();
            Plan plan = backpack.plan(model, batch, requests, options);
            nodes.forEach(node -> node.notes().clear());
            try (Results results = plan.run(batch)) {
                assertThat(results.tensors()).isNotEmpty();
            }
            return nodes.stream()
                    .map(node -> node.notes().stream().sorted().toList())
                    .toList();
        }
    }

    @Test
    void curvature_of_a_convolution_is_made_of_one_root() {
        List<List<String>> notes = ofConvolution(
                PassOptions.DEFAULT, new DiagGGNExact(), new BatchDiagGGNExact(), new KFLR(), new SqrtGGNExact());

        List<String> pullbacks = List.of("pullback of 1", "pullback of 4");
        assertThat(notes.get(0))
                .containsExactlyInAnyOrder(
                        "pullback of 1",
                        "pullback of 4",
                        "weight Sum of 1",
                        "weight InputFactor of 1",
                        "weight OutputFactor of 4",
                        "weight SumOfSquares of 4",
                        "weight SumOfSquaresPerSample of 4",
                        "weight PerSample of 4",
                        "bias Sum of 1",
                        "bias OuterProducts of 4",
                        "bias SumOfSquares of 4",
                        "bias SumOfSquaresPerSample of 4",
                        "bias PerSample of 4");
        assertThat(notes.get(1)).isEqualTo(pullbacks);
        assertThat(notes.get(2)).isEqualTo(pullbacks);
        assertThat(notes.get(3))
                .containsExactlyInAnyOrder(
                        "pullback of 1",
                        "pullback of 4",
                        "weight Sum of 1",
                        "weight InputFactor of 1",
                        "weight OutputFactor of 4",
                        "weight SumOfSquares of 4",
                        "weight SumOfSquaresPerSample of 4",
                        "weight PerSample of 4");
    }

    @Test
    void without_their_columns_the_root_has_one_less() {
        List<List<String>> notes = ofConvolution(PassOptions.DEFAULT, new DiagGGNExact(), new KFLR());

        assertThat(notes.get(1)).containsExactly("pullback of 1", "pullback of 3");
    }

    @Test
    void draws_of_a_convolution_are_propagated_once() {
        List<List<String>> notes = ofConvolution(PassOptions.DEFAULT, new KFAC(2), new DiagGGNMC(2), new SqrtGGNMC(2));

        assertThat(notes.get(0))
                .containsExactlyInAnyOrder(
                        "pullback of 1",
                        "pullback of 2",
                        "weight Sum of 1",
                        "weight InputFactor of 1",
                        "weight OutputFactor of 2",
                        "weight SumOfSquares of 2",
                        "weight PerSample of 2",
                        "bias Sum of 1",
                        "bias OuterProducts of 2",
                        "bias SumOfSquares of 2",
                        "bias PerSample of 2");
        assertThat(notes.get(1)).containsExactly("pullback of 1", "pullback of 2");
    }

    @Test
    void the_input_side_is_contracted_once_for_all_that_factor_it() {
        List<String> atConvolution = ofConvolution(PassOptions.DEFAULT, new KFLR(), new KFAC(2), new KFRA())
                .get(0);

        assertThat(atConvolution)
                .filteredOn(note -> note.contains("InputFactor"))
                .hasSize(1);
        assertThat(atConvolution)
                .filteredOn(note -> note.contains("weight OutputFactor"))
                .hasSize(3);
    }
}
