// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.L2Loss;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.util.Pair;
import io.backpack4j.cli.Main;
import io.backpack4j.cockpit.Cockpit;
import io.backpack4j.cockpit.quantity.Value;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.formats.ParameterFile;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The listener in training loops of DJL's on its PyTorch engine. */
@Tag("engine")
class PyTorchEngineTest {

    private static final int SAMPLES = 32;
    private static final double TOLERANCE = 1e-5;

    private static final String MLP = """
            {"nodes": [{"name": "0", "type": "Flatten"},
                       {"name": "1", "type": "Linear", "in_features": 64, "out_features": 20},
                       {"name": "2", "type": "Sigmoid"},
                       {"name": "3", "type": "Linear", "in_features": 20, "out_features": 3}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";

    private static final String CONVOLUTIONS = """
            {"nodes": [{"name": "conv", "type": "Conv2d", "in_channels": 1, "out_channels": 4, "kernel_size": 3, "padding": 1},
                       {"name": "norm", "type": "BatchNorm2d", "num_features": 4},
                       {"name": "act", "type": "Tanh"},
                       {"name": "pool", "type": "AvgPool2d", "kernel_size": 2},
                       {"name": "flat", "type": "Flatten"},
                       {"name": "out", "type": "Linear", "in_features": 64, "out_features": 3}],
             "loss": {"type": "CrossEntropyLoss", "reduction": "mean"}}""";

    private static BackPack backpack;

    @BeforeAll
    static void load() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static Model model(String json) {
        return backpack.model(ModelFile.parse(json, "test"), DType.FLOAT32, io.backpack4j.spi.tensor.Shape.of(1, 8, 8));
    }

    private static SequentialBlock mlp() {
        return new SequentialBlock()
                .add(Blocks.batchFlattenBlock(64))
                .add(Linear.builder().setUnits(20).build())
                .add(Activation::sigmoid)
                .add(Linear.builder().setUnits(3).build());
    }

    private static SequentialBlock convolutions() {
        return new SequentialBlock()
                .add(Conv2d.builder()
                        .setKernelShape(new Shape(3, 3))
                        .optPadding(new Shape(1, 1))
                        .setFilters(4)
                        .build())
                .add(BatchNorm.builder().build())
                .add(Activation::tanh)
                .add(Pool.avgPool2dBlock(new Shape(2, 2), new Shape(2, 2)))
                .add(Blocks.batchFlattenBlock())
                .add(Linear.builder().setUnits(3).build());
    }

    /** Trains for some epochs of four batches, the last of which is smaller. */
    private static void train(Block block, Loss loss, int epochs, TrainingListener... listeners) throws Exception {
        Random random = new Random(5);
        try (ai.djl.Model network = ai.djl.Model.newInstance("network", Device.cpu(), "PyTorch")) {
            network.setBlock(block);
            DefaultTrainingConfig config = new DefaultTrainingConfig(loss)
                    .optDevices(new Device[] {Device.cpu()})
                    .optOptimizer(Optimizer.sgd()
                            .setLearningRateTracker(Tracker.fixed(0.1f))
                            .optMomentum(0.9f)
                            .build())
                    .addTrainingListeners(listeners);
            try (Trainer trainer = network.newTrainer(config);
                    NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
                trainer.initialize(new Shape(SAMPLES, 1, 8, 8));
                int total = 3 * SAMPLES + 7;
                float[] pixels = new float[total * 64];
                float[] labels = new float[total];
                for (int n = 0; n < total; n++) {
                    labels[n] = random.nextInt(3);
                    for (int i = 0; i < 64; i++) {
                        pixels[64 * n + i] = (float) (random.nextGaussian() + 0.3 * labels[n]);
                    }
                }
                NDArray data = manager.create(pixels, new Shape(total, 1, 8, 8));
                NDArray targets = manager.create(labels, new Shape(total));
                if (loss instanceof L2Loss) {
                    targets = manager.create(oneHot(labels), new Shape(total, 3));
                }
                ArrayDataset dataset = new ArrayDataset.Builder()
                        .setData(data)
                        .optLabels(targets)
                        .setSampling(SAMPLES, false)
                        .build();
                EasyTrain.fit(trainer, epochs, dataset, null);
            }
        }
    }

    private static float[] oneHot(float[] classes) {
        float[] rows = new float[3 * classes.length];
        for (int n = 0; n < classes.length; n++) {
            rows[3 * n + (int) classes[n]] = 1;
        }
        return rows;
    }

    /** What DJL has computed of a batch, taken by a listener of its own. */
    private static final class Copies extends TrainingListenerAdapter {

        private final List<Map<String, float[]>> gradients = new ArrayList<>();
        private final List<BatchCopy> batches = new ArrayList<>();

        private record BatchCopy(float[] data, float[] labels) {}

        @Override
        public void onTrainingBatch(Trainer trainer, BatchData batchData) {
            Map<String, float[]> ofBatch = new HashMap<>();
            for (Pair<String, Parameter> each : trainer.getModel().getBlock().getParameters()) {
                if (each.getValue().requiresGradient()) {
                    try (NDArray gradient = each.getValue().getArray().getGradient()) {
                        ofBatch.put(each.getKey(), gradient.toFloatArray());
                    }
                }
            }
            gradients.add(ofBatch);
            NDList data = batchData.getBatch().getData();
            NDList labels = batchData.getBatch().getLabels();
            batches.add(new BatchCopy(data.get(0).toFloatArray(), labels.get(0).toFloatArray()));
        }
    }

    private static void assertClose(double[] actual, double[] expected, String what) {
        double largest = 0;
        for (double each : expected) {
            largest = Math.max(largest, Math.abs(each));
        }
        assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).as(what).isCloseTo(expected[i], within(TOLERANCE * largest));
        }
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }

    @Test
    void norms_of_single_samples_are_those_of_evaluate_and_gradients_those_of_djl(@TempDir Path folder)
            throws Exception {
        Copies copies = new Copies();
        Map<Long, Map<String, double[]>> taken = new HashMap<>();
        try (Model model = model(MLP)) {
            BackPackListener listener = BackPackListener.builder(backpack, model)
                    .extensions("BatchL2Grad")
                    .onResults((results, step) -> {
                        Map<String, double[]> ofStep = new HashMap<>();
                        results.tensors().forEach((name, tensor) -> ofStep.put(name, tensor.toDoubleArray()));
                        taken.put(step, ofStep);
                        ParameterFile.save(folder.resolve("parameters%d.safetensors".formatted(step)), model);
                    })
                    .build();
            train(mlp(), Loss.softmaxCrossEntropyLoss(), 2, copies, listener);
        }
        assertThat(taken).hasSize(8);
        for (int step = 0; step < 8; step++) {
            Map<String, double[]> ofStep = taken.get((long) step);
            Map<String, float[]> theirs = copies.gradients.get(step);
            assertThat(theirs).hasSize(4);
            assertClose(ofStep.get("1.weight/grad"), doubles(theirs.get("02Linear_weight")), "1.weight");
            assertClose(ofStep.get("1.bias/grad"), doubles(theirs.get("02Linear_bias")), "1.bias");
            assertClose(ofStep.get("3.weight/grad"), doubles(theirs.get("04Linear_weight")), "3.weight");
            assertClose(ofStep.get("3.bias/grad"), doubles(theirs.get("04Linear_bias")), "3.bias");
            try (Safetensors evaluated = evaluate(folder, copies.batches.get(step), step)) {
                for (String parameter : List.of("1.weight", "1.bias", "3.weight", "3.bias")) {
                    String name = parameter + "/batch_l2";
                    assertClose(ofStep.get(name), evaluated.readDoubles(name), name);
                }
            }
        }
    }

    /** Runs the command on the parameters and the batch of a step. */
    private static Safetensors evaluate(Path folder, Copies.BatchCopy batch, int step) throws Exception {
        Path data = folder.resolve("data%d.safetensors".formatted(step));
        Path out = folder.resolve("out%d.safetensors".formatted(step));
        Path json = folder.resolve("model.json");
        java.nio.file.Files.writeString(json, MLP);
        int samples = batch.labels.length;
        try (Safetensors parameters = Safetensors.open(folder.resolve("parameters%d.safetensors".formatted(step)));
                SafetensorsWriter writer = writer(data, parameters, samples)) {
            writer.write("input", 0, batch.data, 0, batch.data.length);
            long[] classes = new long[samples];
            for (int n = 0; n < samples; n++) {
                classes[n] = (long) batch.labels[n];
            }
            writer.write("target", 0, classes, 0, samples);
            for (String name : parameters.tensors().keySet()) {
                float[] values = parameters.readFloats(name);
                writer.write(name, 0, values, 0, values.length);
            }
            writer.commit();
        }
        StringWriter messages = new StringWriter();
        int code = Main.run(
                new PrintWriter(messages),
                new PrintWriter(messages),
                "evaluate",
                "--model",
                json.toString(),
                "--data",
                data.toString(),
                "--extensions",
                "BatchL2Grad",
                "--out",
                out.toString());
        assertThat(code).as(messages.toString()).isZero();
        return Safetensors.open(out);
    }

    private static SafetensorsWriter writer(Path data, Safetensors parameters, int samples) {
        var builder = SafetensorsWriter.to(data)
                .tensor("input", DType.FLOAT32, io.backpack4j.spi.tensor.Shape.of(samples, 1, 8, 8))
                .tensor("target", DType.INT64, io.backpack4j.spi.tensor.Shape.of(samples));
        parameters.tensors().forEach((name, info) -> builder.tensor(name, DType.FLOAT32, info.shape()));
        return builder.open();
    }

    @Test
    void a_batch_norm_in_training_mode_has_the_gradient_of_djl() throws Exception {
        Copies copies = new Copies();
        List<double[]> taken = new ArrayList<>();
        try (Model model = model(CONVOLUTIONS)) {
            BackPackListener listener = BackPackListener.builder(backpack, model)
                    .every(2)
                    .onResults((results, step) ->
                            taken.add(results.gradient("conv.weight").toDoubleArray()))
                    .build();
            train(convolutions(), Loss.softmaxCrossEntropyLoss(), 1, copies, listener);
            Tensor mean = model.parameters().get("norm.running_mean");
            assertThat(mean.toDoubleArray()).as("DJL's running mean").isNotEqualTo(new double[4]);
        }
        assertThat(taken).hasSize(2);
        assertClose(taken.get(0), doubles(copies.gradients.get(0).get("01Conv2d_weight")), "conv.weight");
        assertClose(taken.get(1), doubles(copies.gradients.get(2).get("01Conv2d_weight")), "conv.weight");
    }

    @Test
    void a_cockpit_tracks_a_run_of_djl(@TempDir Path folder) throws Exception {
        Path log = folder.resolve("run.jsonl");
        try (Model model = model(MLP);
                Cockpit cockpit = Cockpit.builder(backpack, model)
                        .quantities("Loss,UpdateSize,Alpha,GradNorm")
                        .log(log)
                        .open()) {
            train(
                    mlp(),
                    Loss.softmaxCrossEntropyLoss(),
                    3,
                    BackPackListener.builder(backpack, model).cockpit(cockpit).build());
        }
        var values = Cockpit.load(log).values();
        assertThat(values).hasSize(12);
        assertThat(loss(values.get(11L))).isLessThan(loss(values.get(0L)));
        assertThat(values.get(10L)).containsKeys("UpdateSize", "Alpha", "GradNorm");
        assertThat(values.get(10L).get("Alpha")).isInstanceOf(Value.Scalar.class);
    }

    private static double loss(Map<String, Value> ofStep) {
        return ((Value.Scalar) ofStep.get("Loss")).value();
    }

    @Test
    void the_loss_of_squares_needs_weight_1() throws Exception {
        List<Long> steps = new ArrayList<>();
        String squares = MLP.replace("CrossEntropyLoss", "MSELoss");
        try (Model model = model(squares)) {
            BackPackListener.Builder builder =
                    BackPackListener.builder(backpack, model).onResults((results, step) -> steps.add(step));
            assertThatThrownBy(() -> train(mlp(), Loss.l2Loss(), 1, builder.build()))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContainingAll("[GradientsDiffer]", "DJL's times 2.00", "L2Loss");
            assertThat(steps).isEmpty();
            train(mlp(), Loss.l2Loss("squares", 1), 1, builder.build());
        }
        assertThat(steps).containsExactly(0L, 1L, 2L, 3L);
    }

    @Test
    void another_architecture_is_an_error_and_no_number() throws Exception {
        List<Long> steps = new ArrayList<>();
        try (Model model = model(MLP)) {
            BackPackListener.Builder builder =
                    BackPackListener.builder(backpack, model).onResults((results, step) -> steps.add(step));
            SequentialBlock rectified = new SequentialBlock()
                    .add(Blocks.batchFlattenBlock(64))
                    .add(Linear.builder().setUnits(20).build())
                    .add(Activation::relu)
                    .add(Linear.builder().setUnits(3).build());
            assertThatThrownBy(() -> train(rectified, Loss.softmaxCrossEntropyLoss(), 1, builder.build()))
                    .hasMessageContaining("[OutputsDiffer]");
            SequentialBlock dropping = new SequentialBlock()
                    .add(mlp())
                    .add(Dropout.builder().optRate(0.5f).build());
            assertThatThrownBy(() -> train(dropping, Loss.softmaxCrossEntropyLoss(), 1, builder.build()))
                    .hasMessageContainingAll("[OutputsDiffer]", "Dropout");
            assertThatThrownBy(() -> train(convolutions(), Loss.softmaxCrossEntropyLoss(), 1, builder.build()))
                    .hasMessageContainingAll("[UnmatchedParameters]", "01Conv2d_weight [4, 1, 3, 3]");
        }
        assertThat(steps).isEmpty();
    }
}
