// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import static ai.djl.nn.Parameter.Type.BETA;
import static ai.djl.nn.Parameter.Type.BIAS;
import static ai.djl.nn.Parameter.Type.GAMMA;
import static ai.djl.nn.Parameter.Type.RUNNING_MEAN;
import static ai.djl.nn.Parameter.Type.RUNNING_VAR;
import static ai.djl.nn.Parameter.Type.WEIGHT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.mockito.Mockito.when;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.listener.TrainingListener.BatchData;
import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.PlannedUpdate;
import io.backpack4j.cockpit.log.RunLog;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The listener with a trainer that is none: what it asks for is answered by another model of the same numbers. */
class BackPackListenerTest {

    private static final String NETWORK = """
            {"nodes": [{"name": "a", "type": "Linear", "in_features": 5, "out_features": 4},
                       {"name": "b", "type": "Tanh"},
                       {"name": "c", "type": "Linear", "in_features": 4, "out_features": 3}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";
    private static final Map<String, String> NAMES =
            Map.of("a.weight", "01_weight", "a.bias", "01_bias", "c.weight", "03_weight", "c.bias", "03_bias");
    private static final int SAMPLES = 6;

    private static BackPack backpack;

    private final Random random = new Random(11);
    private final FakeTraining training = new FakeTraining();
    private final List<Long> steps = new ArrayList<>();
    private Model model;
    private Model reference;
    private long openBefore;

    @BeforeAll
    static void load() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    @BeforeEach
    void openModels() {
        openBefore = backpack.backend().memory().openTensors();
        model = model(NETWORK);
        reference = model(NETWORK);
    }

    @AfterEach
    void nothing_stays_open() {
        model.close();
        reference.close();
        assertThat(backpack.backend().memory().openTensors()).isEqualTo(openBefore);
    }

    private static Model model(String json) {
        return backpack.model(ModelFile.parse(json, "test"), DType.FLOAT64, Shape.of(5));
    }

    private double[] numbers(int count) {
        return random.doubles(count, -1, 1).map(x -> (float) x).toArray();
    }

    /** Parameters in the order of the network. */
    private void addParameters() {
        training.parameter("01_weight", WEIGHT, numbers(20), 4, 5);
        training.parameter("01_bias", BIAS, numbers(4), 4);
        training.parameter("03_weight", WEIGHT, numbers(12), 3, 4);
        training.parameter("03_bias", BIAS, numbers(3), 3);
    }

    /** A batch, forwards and backwards as the reference does it with DJL's numbers. */
    private BatchData passed(double[] inputs, long[] classes) {
        NAMES.forEach((ours, theirs) -> reference.parameters().set(ours, training.values.get(theirs)));
        try (Batch batch = batch(inputs, classes, 0);
                Results results = backpack.compute(reference, batch)) {
            NAMES.forEach((ours, theirs) ->
                    training.gradients.put(theirs, results.gradient(ours).toDoubleArray()));
            double[] labels = new double[classes.length];
            for (int n = 0; n < labels.length; n++) {
                labels[n] = classes[n];
            }
            NDArray prediction = FakeTraining.array(
                    results.output().toDoubleArray(), results.output().shape());
            return training.batch(
                    new NDList(FakeTraining.array(inputs, Shape.of(classes.length, 5))),
                    new NDList(FakeTraining.array(DataType.INT64, labels, classes.length)),
                    prediction);
        }
    }

    private BatchData passed() {
        return passed(numbers(SAMPLES * 5), new long[] {0, 1, 2, 2, 1, 0});
    }

    private static Batch batch(double[] inputs, long[] classes, long firstId) {
        long[] ids = new long[classes.length];
        for (int n = 0; n < ids.length; n++) {
            ids[n] = firstId + n;
        }
        return backpack.batch(DType.FLOAT64)
                .input("input", Shape.of(classes.length, 5), inputs)
                .targets(Shape.of(classes.length), classes)
                .sampleIds(ids)
                .build();
    }

    private BackPackListener.Builder listener() {
        return BackPackListener.builder(backpack, model).onResults((results, step) -> steps.add(step));
    }

    private void refused(BackPackListener listener, BatchData batch, String... parts) {
        assertThatThrownBy(() -> listener.onTrainingBatch(training.trainer, batch))
                .isInstanceOf(BackpackException.class)
                .hasMessageContainingAll(parts);
        assertThat(steps).isEmpty();
        listener.onTrainingEnd(training.trainer);
    }

    @Test
    void extensions_are_computed_with_the_parameters_and_the_batch_of_djl() {
        addParameters();
        List<double[]> norms = new ArrayList<>();
        BackPackListener listener = listener()
                .extensions("BatchL2Grad(as=norms)")
                .onResults((results, step) -> {
                    steps.add(step);
                    norms.add(results.tensors().get("a.weight/norms").toDoubleArray());
                })
                .build();
        listener.onTrainingBegin(training.trainer);

        double[] inputs = numbers(SAMPLES * 5);
        long[] classes = {2, 0, 1, 1, 0, 2};
        listener.onTrainingBatch(training.trainer, passed(inputs, classes));
        training.values.replaceAll((name, old) -> numbers(old.length));
        listener.onTrainingBatch(training.trainer, passed(inputs, classes));
        listener.onTrainingEnd(training.trainer);

        assertThat(steps).containsExactly(0L, 1L);
        for (int n = 0; n < SAMPLES; n++) {
            double[] one = java.util.Arrays.copyOfRange(inputs, 5 * n, 5 * n + 5);
            try (Batch single = batch(one, new long[] {classes[n]}, 0);
                    Results results = backpack.compute(reference, single)) {
                double square = 0;
                for (double g : results.gradient("a.weight").toDoubleArray()) {
                    square += g * g;
                }
                assertThat(norms.get(1)[n]).isCloseTo(square / SAMPLES / SAMPLES, within(1e-12));
            }
        }
    }

    @Test
    void only_every_third_step_is_observed() {
        addParameters();
        BackPackListener listener = listener().every(3).build();
        for (int step = 0; step < 7; step++) {
            listener.onTrainingBatch(training.trainer, passed());
        }
        assertThat(steps).containsExactly(0L, 3L, 6L);
        assertThatThrownBy(() -> listener().every(0)).hasMessageContaining("[InvalidOption]");
        assertThatThrownBy(() -> listener().tolerance(0)).hasMessageContaining("[InvalidOption]");
        assertThatThrownBy(() -> listener().extensions("Nothing")).hasMessageContaining("Nothing");
    }

    @Test
    void another_number_of_parameters_is_refused() {
        training.parameter("01_weight", WEIGHT, numbers(20), 4, 5);
        BatchData batch = training.batch(
                new NDList(FakeTraining.array(numbers(5), Shape.of(1, 5))),
                new NDList(FakeTraining.array(DataType.INT64, new double[1], 1)),
                null);
        refused(listener().build(), batch, "[UnmatchedParameters]", "4 parameters", "has 1", "01_weight [4, 5]");
    }

    @Test
    void shapes_and_kinds_and_frozen_parameters_must_agree() {
        training.parameter("01_weight", WEIGHT, numbers(20), 5, 4);
        training.parameter("01_bias", RUNNING_MEAN, numbers(4), 4);
        training.parameter("03_weight", WEIGHT, numbers(12), 3, 4).freeze(true);
        training.parameter("03_bias", BIAS, numbers(3), 3);
        BatchData batch = training.batch(
                new NDList(FakeTraining.array(numbers(5), Shape.of(1, 5))),
                new NDList(FakeTraining.array(DataType.INT64, new double[1], 1)),
                null);
        refused(
                listener().build(),
                batch,
                "[UnmatchedParameters]",
                "'a.weight' (DJL's '01_weight') has shape [4, 5] in the model and [5, 4]",
                "'a.bias' (DJL's '01_bias') is a parameter in the model and a buffer in DJL's",
                "'c.weight' (DJL's '03_weight') is frozen in DJL's network and not in the model");
    }

    @Test
    void parameters_in_another_order_are_named() {
        training.parameter("03_weight", WEIGHT, numbers(12), 3, 4);
        training.parameter("03_bias", BIAS, numbers(3), 3);
        training.parameter("01_weight", WEIGHT, numbers(20), 4, 5);
        training.parameter("01_bias", BIAS, numbers(4), 4);
        BackPackListener named = listener()
                .parameters(Map.of("a.weight", "01_weight", "a.bias", "01_bias"))
                .build();
        named.onTrainingBatch(training.trainer, passed());
        assertThat(steps).containsExactly(0L);

        steps.clear();
        refused(listener().build(), passed(), "[UnmatchedParameters]", "parameters(Map.of(");
        refused(
                listener()
                        .parameters(Map.of("x.weight", "01_weight", "a.bias", "y"))
                        .build(),
                passed(),
                "The model has no parameter 'x.weight'",
                "DJL's network has no parameter 'y'");
        refused(
                listener()
                        .parameters(Map.of("a.weight", "01_weight", "a.bias", "01_weight"))
                        .build(),
                passed(),
                "said to be the same one");
    }

    @Test
    void a_parameter_that_is_used_twice_is_one() {
        addParameters();
        training.parameters.add("09_again", training.parameters.get(0).getValue());
        listener().build().onTrainingBatch(training.trainer, passed());
        assertThat(steps).containsExactly(0L);
    }

    @Test
    void buffers_are_taken_in_order_and_counters_are_left_out() {
        String normed = """
                {"nodes": [{"name": "n", "type": "BatchNorm1d", "num_features": 5, "mode": "eval"},
                           {"name": "c", "type": "Linear", "in_features": 5, "out_features": 3}],
                 "loss": {"type": "CrossEntropyLoss"}}""";
        training.parameter("gamma", GAMMA, numbers(5), 5);
        training.parameter("beta", BETA, numbers(5), 5);
        training.parameter("mean", RUNNING_MEAN, numbers(5), 5);
        training.parameter("var", RUNNING_VAR, new double[] {1, 2, 3, 4, 5}, 5);
        training.parameter("weight", WEIGHT, numbers(15), 3, 5);
        training.parameter("bias", BIAS, numbers(3), 3);
        try (Model batchNorm = model(normed)) {
            ParameterPairs pairs =
                    ParameterPairs.match(batchNorm, training.parameters.stream().toList(), Map.of());
            pairs.copyTo(batchNorm, Device.cpu());
            assertThat(batchNorm.parameters().get("n.running_var").toDoubleArray())
                    .containsExactly(1, 2, 3, 4, 5);
            assertThat(pairs.pairs())
                    .extracting(ParameterPairs.ParameterPair::theirName)
                    .containsExactly("gamma", "beta", "mean", "var", "weight", "bias");
        }
    }

    @Test
    void a_gradient_that_differs_is_named() {
        addParameters();
        BatchData batch = passed();
        training.gradients.get("03_weight")[5] += 0.1;
        refused(listener().build(), batch, "[GradientsDiffer]", "'c.weight' (DJL's '03_weight')", "0.0100 is allowed");
    }

    @Test
    void a_loss_of_another_factor_is_recognised() {
        addParameters();
        BatchData batch = passed();
        training.gradients.replaceAll(
                (name, own) -> java.util.Arrays.stream(own).map(g -> g / 2).toArray());
        refused(listener().build(), batch, "[GradientsDiffer]", "3 more of 4", "DJL's times 2.00", "L2Loss");
    }

    @Test
    void gradients_that_were_reset_are_recognised() {
        addParameters();
        BatchData batch = passed();
        training.gradients.replaceAll((name, own) -> new double[own.length]);
        refused(listener().build(), batch, "[GradientsDiffer]", "is zero in DJL", "has reset them");
    }

    @Test
    void an_output_that_differs_is_refused_before_gradients() {
        addParameters();
        double[] inputs = numbers(SAMPLES * 5);
        long[] classes = new long[SAMPLES];
        BatchData batch = passed(inputs, classes);
        training.values.get("01_bias")[0] += 0.5;
        refused(listener().build(), batch, "[OutputsDiffer]", "Dropout");
        NDList data = batch.getBatch().getData();
        NDList labels = batch.getBatch().getLabels();
        refused(
                listener().build(),
                training.batch(data, labels, FakeTraining.array(new double[4], Shape.of(2, 2))),
                "[OutputsDiffer]",
                "shape [2, 2], the model one of shape [6, 3]");
        refused(listener().build(), training.batch(data, labels, null), "[OutputsDiffer]", "0 outputs");
        double[] undefined = new double[SAMPLES * 3];
        undefined[0] = Double.NaN;
        refused(
                listener().build(),
                training.batch(data, labels, FakeTraining.array(undefined, Shape.of(SAMPLES, 3))),
                "[OutputsDiffer]",
                "NaN");
    }

    @Test
    void several_devices_are_refused() {
        addParameters();
        BatchData batch = passed();
        training.devices(Device.gpu(0), Device.gpu(1));
        refused(listener().build(), batch, "[SeveralDevices]", "2 devices", "optDevices");
        training.devices(Device.gpu(0));
        refused(listener().build(), batch, "[SeveralDevices]", "'a.weight'", "trains a copy");
        training.devices(Device.cpu(), Device.gpu(0));
        BatchData split =
                training.batch(batch.getBatch().getData(), batch.getBatch().getLabels(), null);
        training.devices(Device.cpu());
        refused(listener().build(), split, "[SeveralDevices]", "split into 2 parts");
    }

    @Test
    void labels_are_taken_in_forms_that_losses_of_djl_take() {
        addParameters();
        BatchData passed = passed();
        NDArray prediction = passed.getPredictions().get(Device.cpu()).get(0);
        NDList data = passed.getBatch().getData();
        double[] classes = {0, 1, 2, 2, 1, 0};
        BackPackListener listener = listener().build();
        listener.onTrainingBatch(
                training.trainer,
                training.batch(data, new NDList(FakeTraining.array(DataType.INT32, classes, 6, 1)), prediction));
        listener.onTrainingBatch(
                training.trainer,
                training.batch(data, new NDList(FakeTraining.array(DataType.FLOAT32, classes, 6)), prediction));
        assertThat(steps).containsExactly(0L, 1L);

        steps.clear();
        classes[3] = 1.5;
        NDList half = new NDList(FakeTraining.array(DataType.FLOAT32, classes, 6));
        refused(listener().build(), training.batch(data, half, prediction), "[UnreadableBatch]", "element 3 is 1.5");
        NDList bytes = new NDList(FakeTraining.array(DataType.UINT8, classes, 6));
        refused(listener().build(), training.batch(data, bytes, prediction), "[UnreadableBatch]", "uint8");
        NDList two = new NDList(half.get(0), half.get(0));
        refused(listener().build(), training.batch(data, two, prediction), "[UnreadableBatch]", "2 of labels");
        NDList scalar = new NDList(FakeTraining.array(DataType.FLOAT32, new double[1]));
        assertThatThrownBy(() ->
                        listener().build().onTrainingBatch(training.trainer, training.batch(scalar, half, prediction)))
                .hasMessageContaining("Axis 0 must be that of samples");
    }

    @Test
    void real_labels_take_the_shape_of_the_output() {
        String line = """
                {"nodes": [{"name": "c", "type": "Linear", "in_features": 5, "out_features": 1}],
                 "loss": {"type": "MSELoss"}}""";
        BatchData djl = training.batch(
                new NDList(FakeTraining.array(numbers(15), Shape.of(3, 5))),
                new NDList(FakeTraining.array(DataType.FLOAT32, numbers(3), 3)),
                null);
        try (Model squares = model(line);
                Batch batch = new BatchReader(backpack, squares).read(djl.getBatch(), 7)) {
            assertThat(batch.targets().shape()).isEqualTo(Shape.of(3, 1));
            assertThat(batch.sampleIds()).containsExactly(7, 8, 9);
        }
    }

    @Test
    void a_cockpit_sees_what_it_would_see_in_a_loop_of_ones_own(@TempDir Path folder) {
        addParameters();
        Clock clock = Clock.fixed(Instant.EPOCH, ZoneOffset.UTC);
        String quantities = "Loss,Alpha,UpdateSize,Distance,GradHist1d,UnusualSamples";
        List<BatchData> seen = new ArrayList<>();
        Path beside = folder.resolve("djl.jsonl");
        Path own = folder.resolve("own.jsonl");
        List<double[]> inputs = List.of(numbers(30), numbers(30), numbers(30));
        long[] classes = {0, 1, 2, 2, 1, 0};
        try (Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities(quantities)
                        .clock(clock)
                        .log(beside)
                        .open();
                Cockpit other = Cockpit.builder(backpack, reference)
                        .quantities(quantities)
                        .clock(clock)
                        .log(own)
                        .open()) {
            BackPackListener listener = listener().cockpit(cockpit).build();
            for (int step = 0; step < 3; step++) {
                seen.add(passed(inputs.get(step), classes));
                listener.onTrainingBatch(training.trainer, seen.get(step));
                try (Batch batch = batch(inputs.get(step), classes, 6L * step);
                        Results results = other.request(step, batch, PlannedUpdate.UNKNOWN)
                                .run(backpack, reference, batch)) {
                    other.track(step, results);
                    descend();
                    NAMES.forEach((ours, theirs) -> reference.parameters().set(ours, training.values.get(theirs)));
                    other.stepped(step);
                }
            }
            listener.onTrainingEnd(training.trainer);
        }
        RunLog log = Cockpit.load(beside);
        assertThat(log).usingRecursiveComparison().ignoringFields("header").isEqualTo(Cockpit.load(own));
        assertThat(log.lines()).hasSizeGreaterThan(4);
        assertThat(steps).containsExactly(0L, 1L, 2L);
    }

    private void descend() {
        training.values.replaceAll((name, value) -> {
            double[] gradient = training.gradients.get(name);
            double[] next = value.clone();
            for (int i = 0; i < next.length; i++) {
                next[i] = (float) (next[i] - 0.1 * gradient[i]);
            }
            return next;
        });
    }

    @Test
    void a_trainer_whose_block_has_changed_is_matched_anew() {
        addParameters();
        BackPackListener listener = listener().build();
        listener.onTrainingBatch(training.trainer, passed());
        FakeTraining other = new FakeTraining();
        ai.djl.Model others = other.trainer.getModel();
        when(training.trainer.getModel()).thenReturn(others);
        listener.onTrainingBegin(training.trainer);
        assertThatThrownBy(() -> listener.onTrainingBatch(training.trainer, passed()))
                .hasMessageContaining("has 0");
    }
}
