// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.secondorder.BatchDiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Permute;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.module.ModuleCase;
import io.backpack4j.testkit.module.PositionChecks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * How many columns travel from a loss with positions: one per class as long as no node mixes them, else one per class
 * and position.
 */
class SuperpositionTest {

    private static final int N = 2;
    private static final int FEATURES = 8;

    /** A module that does not say what it does with positions. */
    private record Silent(Module module) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            return module.declare(inputs);
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            return module.evaluate(context, inputs, parameters);
        }
    }

    /** A module that mixes positions and denies it. */
    private record Boasting(Module module) implements Module {

        @Override
        public ModuleDeclaration declare(List<Shape> inputs) {
            return module.declare(inputs);
        }

        @Override
        public Optional<List<Integer>> positionAxes(List<Integer> outputAxes, List<Shape> inputs) {
            return Optional.of(outputAxes);
        }

        @Override
        public Evaluation evaluate(EvaluationContext context, List<Tensor> inputs, Map<String, Tensor> parameters) {
            return module.evaluate(context, inputs, parameters);
        }
    }

    private record Outcome(long peakBytes, SortedMap<String, double[]> results) {}

    private static Outcome run(int positions, int classes, List<Module> modules, Extension<?>... extensions) {
        SortedMap<String, double[]> values = new TreeMap<>();
        double[] inputs = IntStream.range(0, N * positions * FEATURES)
                .mapToDouble(Math::sin)
                .toArray();
        long[] targets =
                IntStream.range(0, N * positions).mapToLong(i -> i % classes).toArray();
        List<Request<?>> requests =
                Arrays.stream(extensions).<Request<?>>map(Request::of).toList();
        try (BackPack backpack = BackPack.builder().backend("cpu").build();
                Model model = backpack.model(
                        Graph.sequential(modules.toArray(Module[]::new)),
                        new CrossEntropyLoss(),
                        DType.FLOAT64,
                        Shape.of(positions, FEATURES));
                Batch batch = backpack.batch(DType.FLOAT64)
                        .input("input", Shape.of(N, positions, FEATURES), inputs)
                        .targets(Shape.of(N, positions), targets)
                        .build()) {
            model.parameters().initialize(1);
            Plan plan = backpack.plan(model, batch, requests, PassOptions.DEFAULT);
            for (Module module : modules) {
                if (module instanceof Counted counted) {
                    counted.notes().clear();
                }
            }
            try (Results results = plan.run(batch)) {
                results.tensors().forEach((name, tensor) -> values.put(name, tensor.toDoubleArray()));
            }
            return new Outcome(plan.peakBytes(), values);
        }
    }

    private static List<Module> chain(int classes) {
        return List.of(
                Counted.of(new Linear(FEATURES, 5, false)),
                Counted.of(new Tanh()),
                Counted.of(new Linear(5, classes, false)),
                new Permute(0, 2, 1));
    }

    private static List<List<String>> notes(List<Module> modules) {
        List<List<String>> notes = new ArrayList<>();
        for (Module module : modules) {
            if (module instanceof Counted counted) {
                notes.add(counted.notes().stream().sorted().toList());
            }
        }
        return notes;
    }

    @Test
    void a_column_less_than_classes_travels_above_nodes_that_mix() {
        List<Module> modules = chain(4);

        run(6, 4, modules, new DiagGGNExact());

        List<String> atLinear =
                List.of("pullback of 1", "pullback of 3", "weight Sum of 1", "weight SumOfSquaresOverPositions of 3");
        assertThat(notes(modules)).containsExactly(atLinear, List.of("pullback of 1", "pullback of 3"), atLinear);
    }

    @Test
    void single_positions_and_other_contractions_keep_the_columns_of_the_loss() {
        List<Module> single = chain(4);
        run(1, 4, single, new DiagGGNExact());
        assertThat(notes(single).get(0)).contains("weight SumOfSquares of 3").hasSize(4);

        List<Module> modules = chain(4);
        run(6, 4, modules, new DiagGGNExact(), new BatchDiagGGNExact());
        assertThat(notes(modules).get(0))
                .containsExactly(
                        "pullback of 1",
                        "pullback of 18",
                        "pullback of 3",
                        "weight Sum of 1",
                        "weight SumOfSquaresOverPositions of 3",
                        "weight SumOfSquaresPerSample of 18");
    }

    @Test
    void below_a_node_that_mixes_every_position_has_its_columns() {
        int positions = 4;
        List<Module> modules = List.of(
                Counted.of(new Linear(FEATURES, 5, false)),
                new Permute(0, 2, 1),
                Counted.of(new Linear(positions, positions, false)),
                new Permute(0, 2, 1),
                Counted.of(new Linear(5, 4, false)),
                new Permute(0, 2, 1));

        run(positions, 4, modules, new DiagGGNExact());

        List<String> below = List.of("pullback of 1", "pullback of 12", "weight Sum of 1", "weight SumOfSquares of 12");
        List<String> above = List.of(
                "pullback of 1",
                "pullback of 12",
                "pullback of 3",
                "weight Sum of 1",
                "weight SumOfSquaresOverPositions of 3");
        assertThat(notes(modules)).containsExactly(below, below, above);
    }

    @Test
    void superposed_columns_take_a_fraction_of_the_memory() {
        int positions = 256;
        int classes = 10;
        List<Module> modules =
                List.of(new Linear(FEATURES, 32), new Tanh(), new Linear(32, classes), new Permute(0, 2, 1));
        List<Module> silent = List.of(modules.get(0), modules.get(1), modules.get(2), new Silent(modules.get(3)));

        Outcome superposed = run(positions, classes, modules, new DiagGGNExact());
        Outcome expanded = run(positions, classes, silent, new DiagGGNExact());

        assertThat(superposed.peakBytes()).isLessThan(expanded.peakBytes() / 4);
        assertThat(superposed.results().keySet()).isEqualTo(expanded.results().keySet());
        expanded.results()
                .forEach((name, values) ->
                        assertThat(superposed.results().get(name)).as(name).containsExactly(values, within(1e-12)));
    }

    @Test
    void axes_that_do_not_hold_the_positions_are_an_error_of_the_module() {
        List<Module> modules = List.of(new Linear(FEATURES, 3), new Boasting(new Permute(0, 2, 1)));

        assertThatThrownBy(() -> run(6, 4, modules, new DiagGGNExact()))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("node '1' (Boasting) says that axes [1] of an input of shape [6, 3] hold the"
                        + " positions of axes [1] of its output of shape [3, 6]");
    }

    @Test
    void the_contract_finds_modules_that_mix_what_they_say_they_do_not() {
        Module transposed = new Boasting(new Permute(0, 2, 1));
        Module joining = new Boasting(new Linear(3, 3));

        assertThatThrownBy(() -> PositionChecks.run(ModuleCase.of(transposed, Shape.of(2, 2))))
                .isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> PositionChecks.run(ModuleCase.of(joining, Shape.of(2, 3))))
                .isInstanceOf(AssertionError.class);
    }
}
