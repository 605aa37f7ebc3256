// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Dead units and saturation, against loops over samples and units in double precision. */
class ActivationQuantityTest {

    private static final int SAMPLES = 11;
    private static final long STEPS = 3;
    private static final double RATE = 0.05;

    private static BackPack backpack;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    /**
     * An activation with its definition.
     *
     * @param type with arguments, as in a model file
     * @param low below which an output is saturated by the threshold of 0.9
     * @param high above which it is
     */
    private record Function(String type, DoubleUnaryOperator definition, double low, double high) {}

    private static final double NONE = Double.POSITIVE_INFINITY;

    private static final List<Function> FUNCTIONS = List.of(
            new Function("\"ReLU\"", x -> Math.max(0, x), -NONE, NONE),
            new Function("\"Tanh\"", Math::tanh, -0.9, 0.9),
            new Function("\"ReLU6\"", x -> Math.min(6, Math.max(0, x)), -NONE, 5.4),
            new Function("\"Sigmoid\"", x -> 1 / (1 + Math.exp(-x)), 0.05, 0.95),
            new Function("\"Hardtanh\", \"min_val\": -1, \"max_val\": 3", x -> Math.min(3, Math.max(-1, x)), -0.8, 2.8),
            new Function("\"Hardsigmoid\"", x -> Math.min(6, Math.max(0, x + 3)) / 6, 0.05, 0.95),
            new Function("\"Softsign\"", x -> x / (1 + Math.abs(x)), -0.9, 0.9),
            new Function("\"ELU\", \"alpha\": 0.5", x -> x > 0 ? x : 0.5 * Math.expm1(x), -0.45, NONE),
            new Function("\"Softplus\"", x -> Math.log1p(Math.exp(x)), -NONE, NONE),
            new Function("\"LeakyReLU\"", x -> x > 0 ? x : 0.01 * x, -NONE, NONE));

    /** All activations one behind the other, a linear layer before each. */
    private static String network(List<Integer> widths) {
        StringBuilder nodes = new StringBuilder();
        String before = "input";
        for (int i = 0; i < FUNCTIONS.size(); i++) {
            nodes.append("""
                    {"name": "in%d", "type": "Linear", "in_features": %d, "out_features": %d, "inputs": ["%s"]},
                    {"name": "act%d", "type": %s, "inputs": ["in%d"]},
                    """.formatted(
                            i,
                            widths.get(i),
                            widths.get(i + 1),
                            before,
                            i,
                            FUNCTIONS.get(i).type(),
                            i));
            before = "act" + i;
        }
        return """
                {"nodes": [%s{"name": "out", "type": "Linear", "in_features": %d, "out_features": 3, "inputs": ["%s"]}],
                "output": "out", "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""".formatted(nodes, widths.get(FUNCTIONS.size()), before);
    }

    /** What loops find: shares by node. */
    private record Expected(Map<String, double[]> dead, Map<String, double[]> saturated) {}

    private static Expected expected(Model model, double[] inputs, List<Integer> widths) {
        Expected expected = new Expected(new LinkedHashMap<>(), new LinkedHashMap<>());
        double[] x = inputs;
        for (int i = 0; i < FUNCTIONS.size(); i++) {
            Function function = FUNCTIONS.get(i);
            int in = widths.get(i);
            int out = widths.get(i + 1);
            double[] weight = model.parameters().get("in%d.weight".formatted(i)).toDoubleArray();
            double[] bias = model.parameters().get("in%d.bias".formatted(i)).toDoubleArray();
            double[] y = new double[SAMPLES * out];
            int dead = 0;
            int zeros = 0;
            int saturated = 0;
            for (int unit = 0; unit < out; unit++) {
                boolean isDead = true;
                for (int n = 0; n < SAMPLES; n++) {
                    double sum = bias[unit];
                    for (int j = 0; j < in; j++) {
                        sum += weight[unit * in + j] * x[n * in + j];
                    }
                    double output = function.definition().applyAsDouble(sum);
                    y[n * out + unit] = output;
                    isDead &= output == 0;
                    zeros += output == 0 ? 1 : 0;
                    saturated += output < function.low() || output > function.high() ? 1 : 0;
                }
                dead += isDead ? 1 : 0;
            }
            expected.dead.put("act" + i, new double[] {dead, zeros / (double) (SAMPLES * out), out});
            expected.saturated.put("act" + i, new double[] {saturated, SAMPLES * out});
            x = y;
        }
        return expected;
    }

    private static Batch batch(double[] inputs, int features, long step) {
        long[] classes = new Random(step).longs(SAMPLES, 0, 3).toArray();
        return backpack.batch(DType.FLOAT64)
                .input("input", Shape.of(SAMPLES, features), inputs)
                .targets(Shape.of(SAMPLES), classes)
                .sampleIds(java.util.stream.LongStream.range(0, SAMPLES).toArray())
                .build();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shares_are_those_of_loops_layer_by_layer_while_it_trains_in_every_splitting(long seed) {
        Random random = new Random(seed);
        List<Integer> widths = new ArrayList<>();
        FUNCTIONS.forEach(function -> widths.add(2 + random.nextInt(7)));
        widths.add(4);
        Path path = folder.resolve("run.jsonl");
        List<Expected> expected = new ArrayList<>();
        try (Model model = backpack.model(
                        ModelFile.parse(network(widths), "all"), DType.FLOAT64, Shape.of(widths.get(0)));
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("DeadUnits,Saturation(threshold=0.9),DeadUnits(per=network,as=dead),"
                                + "Saturation(per=network,threshold=0.9,as=saturated),"
                                + "DeadUnits(nodes=[act0,act2],as=rectifiers)")
                        .log(path)
                        .open()) {
            for (String name : model.parameters().names()) {
                int size = Math.toIntExact(model.parameters().get(name).shape().elements());
                double[] values = random.doubles(size, -4, 4).toArray();
                if (name.equals("in0.bias") || name.equals("in2.bias")) {
                    values[0] = -1e3;
                }
                model.parameters().set(name, values);
            }
            for (long step = 0; step < STEPS; step++) {
                double[] inputs =
                        random.doubles((long) SAMPLES * widths.get(0), -2, 2).toArray();
                expected.add(expected(model, inputs, widths));
                try (Batch batch = batch(inputs, widths.get(0), step)) {
                    StepRequest request = cockpit.request(step, batch);
                    PassOptions options =
                            request.options(PassOptions.DEFAULT).chunk(new long[] {SAMPLES, 4, 1}[(int) step]);
                    try (Results results = backpack.plan(model, batch, request.requests(), options)
                            .run(batch, RunOptions.seed(request.seed()).operands(request.operands()))) {
                        cockpit.track(step, results);
                        model.parameters()
                                .trainable()
                                .forEach(name -> backpack.backend()
                                        .elementwise()
                                        .addScaled(
                                                -RATE,
                                                results.gradient(name),
                                                model.parameters().get(name)));
                        cockpit.stepped(step);
                    }
                }
            }
        }
        RunLog log = Cockpit.load(path);
        for (long step = 0; step < STEPS; step++) {
            compare(log, step, expected.get((int) step));
        }
    }

    private static void compare(RunLog log, long step, Expected expected) {
        double dead = 0;
        double units = 0;
        double saturated = 0;
        double outputs = 0;
        List<?> layers = (List<?>) details(log, step, "DeadUnits").get("layers");
        assertThat(layers).hasSize(FUNCTIONS.size()).isEqualTo(List.copyOf(expected.dead.keySet()));
        assertThat(details(log, step, "Saturation")).containsEntry("layers", layers);
        for (int i = 0; i < FUNCTIONS.size(); i++) {
            String node = "act" + i;
            double[] ofUnits = expected.dead.get(node);
            double[] ofOutputs = expected.saturated.get(node);
            assertThat(each(log, step, "DeadUnits", i)).as(node).isCloseTo(ofUnits[0] / ofUnits[2], within(1e-15));
            assertThat(each(log, step, "Saturation", i)).as(node).isCloseTo(ofOutputs[0] / ofOutputs[1], within(1e-15));
            Map<?, ?> own =
                    (Map<?, ?>) ((Map<?, ?>) details(log, step, "DeadUnits").get("groups")).get(node);
            assertThat(((Number) own.get("zeros")).doubleValue()).as(node).isCloseTo(ofUnits[1], within(1e-15));
            assertThat(((Number) own.get("dead")).doubleValue()).as(node).isEqualTo(ofUnits[0]);
            dead += ofUnits[0];
            units += ofUnits[2];
            saturated += ofOutputs[0];
            outputs += ofOutputs[1];
        }
        assertThat(number(log, step, "dead"))
                .isCloseTo(dead / units, within(1e-15))
                .isPositive();
        assertThat(number(log, step, "saturated"))
                .isCloseTo(saturated / outputs, within(1e-15))
                .isPositive();
        assertThat(details(log, step, "rectifiers")).containsEntry("layers", List.of("act0", "act2"));
    }

    private static double number(RunLog log, long step, String label) {
        return log.value(step, label).orElseThrow().number().orElseThrow();
    }

    private static double each(RunLog log, long step, String label, int i) {
        return ((Value.Several) log.value(step, label).orElseThrow())
                .values()
                .get(i)
                .number()
                .orElseThrow();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> details(RunLog log, long step, String label) {
        return (Map<String, Object>) log.details().get(step).get(label);
    }

    /** What is not a number is neither zero nor near a bound, and the share of zeros is missing. */
    @Test
    void outputs_that_are_not_numbers_count_as_neither() {
        Path path = folder.resolve("run.jsonl");
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT32, 0.1);
        try (Model model = run.model();
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("DeadUnits,Saturation")
                        .log(path)
                        .open()) {
            model.parameters().get("0.weight").write(0, new double[] {Double.NaN}, 0, 1);
            run.run(model, cockpit, 1, 5, step -> {});
        }
        RunLog log = Cockpit.load(path);
        assertThat(each(log, 0, "DeadUnits", 0)).isZero();
        assertThat(each(log, 0, "Saturation", 0)).isBetween(0.0, 0.5);
        assertThat(((Map<?, ?>) details(log, 0, "DeadUnits").get("groups"))
                        .get("1")
                        .toString())
                .contains("missing");
    }

    @Test
    void what_is_of_nodes_takes_no_parameters_and_a_network_without_activations_is_told() {
        TrainingRun run = new TrainingRun(backpack, DType.FLOAT64, 0.1);
        String linear = """
                {"nodes": [{"name": "0", "type": "Linear", "in_features": 8, "out_features": 3, "inputs": ["input"]}],
                "output": "0", "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";
        try (Model model = run.model();
                Model other = backpack.model(ModelFile.parse(linear, "linear"), DType.FLOAT64, Shape.of(8));
                Batch batch = run.batch(0, 4)) {
            assertThatThrownBy(() -> Cockpit.builder(backpack, model)
                            .quantities(
                                    "DeadUnits(parameters=[0.*]),Saturation(per=parameter),Saturation(threshold=1,as=x)")
                            .open())
                    .hasMessageContaining("nodes=[PATTERN,...]")
                    .hasMessageContaining("per=layer or per=network")
                    .hasMessageContaining("a number between 0 and 1");
            try (Cockpit cockpit =
                    Cockpit.builder(backpack, other).quantities("business").open()) {
                cockpit.request(0, batch);
                assertThat(cockpit.unavailable()).containsOnlyKeys("DeadUnits", "Saturation");
            }
            try (Cockpit cockpit =
                    Cockpit.builder(backpack, other).quantities("DeadUnits").open()) {
                assertThatThrownBy(() -> cockpit.request(0, batch)).hasMessageContaining("UnavailableQuantity");
            }
        }
    }
}
