// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.Request;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.privacy.accountant.GdpAccountant;
import io.backpack4j.privacy.accountant.Mechanism;
import io.backpack4j.privacy.accountant.PrvAccountant;
import io.backpack4j.privacy.accountant.RdpAccountant;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.ParameterGroups;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Optimizer;
import io.backpack4j.training.OptimizerProvider;
import io.backpack4j.training.Trainer;
import io.backpack4j.training.TrainingListener;
import io.backpack4j.training.TrainingResult;
import io.backpack4j.training.TrainingStep;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.BatchData;
import io.backpack4j.training.data.HostTensor;
import io.backpack4j.training.optimizer.SGD;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Private steps beside loops that are written out, and Opacus' trajectory. */
class DpSgdTest {

    private static final PrivacyBudget COUNTED = PrivacyBudget.counted(1e-5);

    private static BackPack backpack;

    @TempDir
    Path folder;

    @BeforeAll
    static void open() {
        backpack = BackPack.create();
    }

    @AfterAll
    static void close() {
        backpack.close();
    }

    private static double[] values(Model model) {
        return model.parameters().trainable().stream()
                .flatMapToDouble(
                        name -> Arrays.stream(model.parameters().get(name).toDoubleArray()))
                .toArray();
    }

    private static DpSgd silent(double rate, double norm) {
        return new DpSgd(new SGD(rate), Clip.flat(norm), 0, COUNTED);
    }

    @Test
    void withoutNoiseParametersAreThoseOfOpacus() throws IOException {
        JsonNode file =
                new ObjectMapper().readTree(Objects.requireNonNull(DpSgdTest.class.getResourceAsStream("opacus.json")));
        try (Model model = Networks.classifier(backpack, LossReduction.MEAN)) {
            for (String name : model.parameters().trainable()) {
                model.parameters().set(name, numbers(file.get("init").get(name)));
            }
            Optimizer optimizer = new DpSgd(new SGD(0.5, 0.9), Clip.flat(0.3), 0, COUNTED);
            ArraySource data = ArraySource.of(
                    new HostTensor.Doubles(Shape.of(160, 4), numbers(file.get("X"))),
                    new HostTensor.Longs(
                            Shape.of(160),
                            Arrays.stream(numbers(file.get("y")))
                                    .mapToLong(y -> (long) y)
                                    .toArray()));
            FirstSum first = new FirstSum();
            Trainer.builder(backpack, model)
                    .optimizer(optimizer)
                    .listener(first)
                    .request(Request.of(new BatchGrad()))
                    .build()
                    .fit(new io.backpack4j.training.data.SampledBatches(data, 8, false, false, 0));
            for (String name : model.parameters().trainable()) {
                assertThat(first.sums.get(name))
                        .as(name)
                        .containsExactly(numbers(file.get("first").get(name)), within(1e-10));
                // Opacus divides by ‖g‖ + 1e-6, which moves everything by parts in a million.
                assertThat(model.parameters().get(name).toDoubleArray())
                        .as(name)
                        .containsExactly(numbers(file.get("last").get(name)), within(2e-5));
            }
        }
    }

    /** The clipped sum of the first step as Opacus defines it, with 1e-6 added to norms. */
    private static final class FirstSum implements TrainingListener {

        final Map<String, double[]> sums = new LinkedHashMap<>();

        @Override
        public void onTrainingBatch(TrainingStep step) {
            if (step.number() > 0) {
                return;
            }
            int samples = (int) step.batch().samples();
            Map<String, double[]> all = new LinkedHashMap<>();
            step.training().parameters().forEach(name -> {
                all.put(name, step.results().get(new BatchGrad(), name).toDoubleArray());
                sums.put(name, new double[all.get(name).length / samples]);
            });
            for (int n = 0; n < samples; n++) {
                double square = 0;
                for (double[] values : all.values()) {
                    int size = values.length / samples;
                    for (int i = 0; i < size; i++) {
                        square += Math.pow(samples * values[n * size + i], 2);
                    }
                }
                double weight = Math.min(1, 0.3 / (Math.sqrt(square) + 1e-6));
                for (Map.Entry<String, double[]> own : all.entrySet()) {
                    int size = own.getValue().length / samples;
                    for (int i = 0; i < size; i++) {
                        sums.get(own.getKey())[i] += weight * samples * own.getValue()[n * size + i];
                    }
                }
            }
        }
    }

    private static double[] numbers(JsonNode list) {
        double[] values = new double[list.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = list.get(i).asDouble();
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource(LossReduction.class)
    void aStepIsTheClippedSumOverTheExpectedBatch(LossReduction reduction) {
        ArraySource data = Networks.points(20, 4);
        PoissonBatches batches = new PoissonBatches(data, 0.4, 10);
        BatchData drawn = batches.read(1, 0);
        assertThat(drawn.samples()).isNotEqualTo(8);
        try (Model model = Networks.classifier(backpack, reduction)) {
            double[] before = values(model);
            double[] sum = clippedSum(model, drawn, 0.5);
            Trainer.builder(backpack, model)
                    .optimizer(silent(2, 0.5))
                    .maxSteps(1)
                    .build()
                    .fit(batches);
            double[] after = values(model);
            double divisor = reduction == LossReduction.MEAN ? 8 : 1;
            for (int i = 0; i < sum.length; i++) {
                assertThat(after[i]).isCloseTo(before[i] - 2 * sum[i] / divisor, within(1e-12));
            }
        }
    }

    private static double[] clippedSum(Model model, BatchData data, double norm) {
        var clipped = new ClippedGrad(norm);
        try (var batch = data.upload(backpack, DType.FLOAT64);
                var results = backpack.compute(model, batch, clipped)) {
            return model.parameters().trainable().stream()
                    .flatMapToDouble(
                            name -> Arrays.stream(results.get(clipped, name).toDoubleArray()))
                    .toArray();
        }
    }

    @Test
    void anEmptyDrawAddsItsNoiseAndNothingElse() {
        ArraySource data = Networks.points(3, 4);
        PoissonBatches batches = new PoissonBatches(data, 1e-9, 1);
        assertThat(batches.read(1, 0).ids()).containsExactly(-1);
        try (Model model = Networks.classifier(backpack, LossReduction.SUM)) {
            double[] before = values(model);
            Trainer.builder(backpack, model)
                    .optimizer(silent(1, 1))
                    .maxSteps(1)
                    .build()
                    .fit(batches);
            assertThat(values(model)).containsExactly(before);
            Trainer.builder(backpack, model)
                    .optimizer(new DpSgd(new SGD(1), Clip.flat(1), 1, COUNTED))
                    .maxSteps(1)
                    .build()
                    .fit(batches);
            assertThat(values(model)).isNotEqualTo(before);
        }
    }

    @Test
    void noiseHasItsDeviationWhateverDrawsIt() {
        for (boolean secure : new boolean[] {false, true}) {
            Graph graph = Graph.sequential(new Linear(50, 100));
            ArraySource data = ArraySource.of(
                    new HostTensor.Doubles(Shape.of(2, 50), new double[100]),
                    new HostTensor.Longs(Shape.of(2), new long[2]));
            try (Model model =
                    backpack.model(graph, new CrossEntropyLoss(LossReduction.SUM), DType.FLOAT64, Shape.of(50))) {
                model.parameters().initialize(1);
                double[] before = model.parameters().get("0.weight").toDoubleArray();
                var noisy = new DpSgd(
                        new SGD(1),
                        new Clip(0.7, ParameterGroups.PARAMETER, Optional.empty()),
                        3,
                        COUNTED,
                        secure,
                        Optional.empty());
                Trainer.builder(backpack, model)
                        .optimizer(noisy)
                        .maxSteps(1)
                        .build()
                        .fit(data);
                // Inputs are zero, so that the weight's gradient is noise alone.
                double[] after = model.parameters().get("0.weight").toDoubleArray();
                double square = 0;
                double mean = 0;
                for (int i = 0; i < after.length; i++) {
                    square += Math.pow(after[i] - before[i], 2) / after.length;
                    mean += (after[i] - before[i]) / after.length;
                }
                double deviation = 3 * 0.7 * Math.sqrt(2);
                assertThat(Math.sqrt(square)).as("secure %s", secure).isCloseTo(deviation, within(0.05 * deviation));
                assertThat(mean).isCloseTo(0, within(0.06 * deviation));
            }
        }
    }

    @Test
    void unitsAreDrawnAndClippedAsWholes() {
        ArraySource data = Networks.points(12, 6);
        PrivacyUnits units = PrivacyUnits.of(0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 5);
        PoissonBatches batches = new PoissonBatches(data, 0.6, Optional.of(units), 2);
        BatchData drawn = batches.read(1, 0);
        List<Long> ids = Arrays.stream(drawn.ids()).boxed().toList();
        assertThat(ids).hasSizeBetween(2, 11);
        for (long id = 0; id < 12; id++) {
            for (long other = 0; other < 12; other++) {
                if (units.of(id) == units.of(other)) {
                    assertThat(ids.contains(id)).isEqualTo(ids.contains(other));
                }
            }
        }
        try (Model model = Networks.classifier(backpack, LossReduction.SUM)) {
            double[] before = values(model);
            double[] expected = new double[before.length];
            for (int unit = 0; unit < 6; unit++) {
                int own = unit;
                long[] members = ids.stream()
                        .filter(id -> units.of(id) == own)
                        .mapToLong(id -> id)
                        .toArray();
                if (members.length > 0) {
                    double[] sum = clippedSum(model, data.read(members, 1), 1e9);
                    double norm = Math.sqrt(Arrays.stream(sum).map(g -> g * g).sum());
                    for (int i = 0; i < sum.length; i++) {
                        expected[i] += Math.min(1, 0.5 / norm) * sum[i];
                    }
                }
            }
            Trainer.builder(backpack, model)
                    .optimizer(silent(1, 0.5))
                    .maxSteps(1)
                    .build()
                    .fit(batches);
            double[] after = values(model);
            for (int i = 0; i < expected.length; i++) {
                assertThat(after[i]).isCloseTo(before[i] - expected[i], within(1e-12));
            }
        }
    }

    @Test
    void samplesAreDrawnWithTheirRate() {
        PoissonBatches batches = new PoissonBatches(Networks.points(500, 1), 0.1, 77);
        assertThat(batches.perEpoch()).isEqualTo(10);
        double[] sizes = new double[400];
        for (int k = 0; k < sizes.length; k++) {
            sizes[k] = batches.read(1 + k / 10, k % 10).samples();
        }
        double mean = Arrays.stream(sizes).average().orElseThrow();
        double variance = Arrays.stream(sizes).map(n -> (n - mean) * (n - mean)).sum() / (sizes.length - 1);
        assertThat(mean).isCloseTo(50, within(1.2));
        assertThat(variance).isCloseTo(45, within(11.0));
        assertThat(batches.read(3, 2).ids()).containsExactly(batches.read(3, 2).ids());
    }

    @Test
    void clippingAdaptsToTheNorms() {
        var adaptive = new AdaptiveClipping(0.5, 0.5, 10, 1e-3, 10);
        ArraySource data = Networks.points(64, 5);
        try (Model model = Networks.classifier(backpack, LossReduction.SUM)) {
            Bounds bounds = new Bounds();
            Trainer.builder(backpack, model)
                    .optimizer(new DpSgd(
                            new SGD(0),
                            new Clip(10, ParameterGroups.ALL, Optional.of(adaptive)),
                            0,
                            COUNTED,
                            false,
                            Optional.of(folder.resolve("audit.jsonl"))))
                    .listener(bounds)
                    .batch(64)
                    .epochs(60)
                    .build()
                    .fit(data);
            assertThat(lastBound()).isCloseTo(bounds.median, within(0.05 * bounds.median));
        }
        assertThat(adaptive.noiseOfGradients(1)).isCloseTo(1 / Math.sqrt(1 - 1 / 400.0), within(1e-12));
        assertThatThrownBy(() -> adaptive.noiseOfGradients(30)).hasMessageContaining("above half of the noise");
        assertThatThrownBy(() -> new Clip(1, ParameterGroups.LAYER, Optional.of(adaptive)))
                .hasMessageContaining("norm over all parameters only");
    }

    private double lastBound() {
        try {
            List<String> lines = Files.readAllLines(folder.resolve("audit.jsonl"));
            return new ObjectMapper()
                    .readTree(lines.get(lines.size() - 1))
                    .get("max_norms")
                    .get(0)
                    .asDouble();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Knows the median norm of samples; parameters stand still, so that it is the same in all steps. */
    private static final class Bounds implements TrainingListener {

        double median;

        @Override
        public void prepare(io.backpack4j.training.PassPreparation pass) {
            pass.request(new ClippedGrad(1));
        }

        @Override
        public void onTrainingBatch(TrainingStep step) {
            double[] norms = step.results().network(new ClippedGrad(1)).toDoubleArray();
            Arrays.sort(norms);
            median = (norms[31] + norms[32]) / 2;
        }
    }

    @Test
    void runsStopAtTheBudgetAndSayWhatTheySpent() {
        PrivacyBudget budget = new PrivacyBudget(new RdpAccountant(), 1e-5, OptionalDouble.of(3));
        ArraySource data = Networks.points(200, 5);
        try (Model model = Networks.classifier(backpack, LossReduction.MEAN)) {
            TrainingResult result = Trainer.builder(backpack, model)
                    .optimizer(new DpSgd(
                            new SGD(0.1), Clip.flat(1), 1.5, budget, false, Optional.of(folder.resolve("audit.jsonl"))))
                    .batch(20)
                    .epochs(100)
                    .build()
                    .fit(data);
            long steps = result.steps();
            assertThat(result.stopped())
                    .hasValueSatisfying(why -> assertThat(why).contains("ε = 3.0"));
            assertThat(new RdpAccountant().epsilon(List.of(new Mechanism(1.5, 0.1, steps)), 1e-5))
                    .isLessThanOrEqualTo(3);
            assertThat(new RdpAccountant().epsilon(List.of(new Mechanism(1.5, 0.1, steps + 1)), 1e-5))
                    .isGreaterThan(3);
            PrivacyAudit.Spent record = PrivacyAudit.read(folder.resolve("audit.jsonl"));
            assertThat(record.history()).containsExactly(new Mechanism(1.5, 0.1, steps));
            assertThat(record.epsilon()).isLessThanOrEqualTo(3).isGreaterThan(2.5);
            assertThat(result.epochs().get(0).values().get("epsilon"))
                    .isCloseTo(new RdpAccountant().epsilon(List.of(new Mechanism(1.5, 0.1, 10)), 1e-5), within(1e-12));
        }
    }

    @Test
    void recordsThatWereChangedAreNoticed() throws IOException {
        runsStopAtTheBudgetAndSayWhatTheySpent();
        Path file = folder.resolve("audit.jsonl");
        List<String> lines = new ArrayList<>(Files.readAllLines(file));
        List<String> without = new ArrayList<>(lines);
        without.remove(3);
        Files.write(file, without);
        assertThatThrownBy(() -> PrivacyAudit.read(file)).hasMessageContaining("line 4 does not fit");
        lines.set(2, lines.get(2).replace("1.5", "2.5"));
        Files.write(file, lines);
        assertThatThrownBy(() -> PrivacyAudit.read(file)).hasMessageContaining("line 3 does not fit");
        Files.writeString(file, "nonsense\n");
        assertThatThrownBy(() -> PrivacyAudit.read(file))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("line 1");
    }

    @Test
    void batchesThatAreNotDrawnIndependentlyCountAsAll() {
        ArraySource data = Networks.points(40, 5);
        PrivacyBudget budget = new PrivacyBudget(new PrvAccountant(), 1e-5, OptionalDouble.empty());
        try (Model model = Networks.classifier(backpack, LossReduction.MEAN)) {
            TrainingResult shuffled = Trainer.builder(backpack, model)
                    .optimizer(new DpSgd(new SGD(0.1), Clip.flat(1), 4, budget))
                    .build()
                    .fit(new io.backpack4j.training.data.SampledBatches(data, 10, true, false, 0));
            assertThat(shuffled.epochs().get(0).values().get("epsilon"))
                    .isEqualTo(new PrvAccountant().epsilon(List.of(new Mechanism(4, 1, 4)), 1e-5));
        }
    }

    @Test
    void batchNormsAreRefusedAndCanBeReplaced() {
        ModelDescription description = new ModelDescription(
                List.of(
                        new NodeDescription(
                                "0",
                                "Conv2d",
                                Map.of("in_channels", 1L, "out_channels", 48L, "kernel_size", 2L),
                                List.of()),
                        new NodeDescription("1", "BatchNorm2d", Map.of("num_features", 48L), List.of("0")),
                        new NodeDescription("2", "Flatten", Map.of(), List.of("1"))),
                List.of(),
                Optional.empty(),
                new LossDescription("CrossEntropyLoss", Map.of()));
        ArraySource data = ArraySource.of(
                new HostTensor.Doubles(Shape.of(4, 1, 2, 2), new double[16]),
                new HostTensor.Longs(Shape.of(4), new long[4]));
        try (Model model = backpack.model(description, DType.FLOAT64, Shape.of(1, 2, 2))) {
            Trainer trainer =
                    Trainer.builder(backpack, model).optimizer(silent(1, 1)).build();
            assertThatThrownBy(() -> trainer.fit(data))
                    .hasMessageContaining("'1' (BatchNorm2d)")
                    .hasMessageContaining("GroupNorm");
        }
        ModelDescription replaced = BatchNorms.replaced(description);
        assertThat(replaced.nodes().get(1).type()).isEqualTo("GroupNorm");
        assertThat(replaced.nodes().get(1).arguments())
                .containsEntry("num_groups", 16L)
                .containsEntry("num_channels", 48L);
        try (Model model = backpack.model(replaced, DType.FLOAT64, Shape.of(1, 2, 2))) {
            Trainer.builder(backpack, model).optimizer(silent(1, 1)).build().fit(data);
        }
    }

    @Test
    void optimizersThatLookPastTheNoiseAreRefused() {
        for (String name : List.of("NewtonCG", "Adam", "AdamW", "RMSprop", "Adagrad", "SGD")) {
            Map<String, Object> options = Map.of("optimizer", name, "max_norm", 1.0, "noise_multiplier", 1.0);
            var provider = backpack.catalog().service(OptimizerProvider.class, "DpSgd");
            var arguments = new io.backpack4j.spi.Arguments("optimizer DpSgd", options);
            if (name.equals("NewtonCG")) {
                assertThatThrownBy(() -> provider.create(arguments, backpack.catalog()))
                        .hasMessageContaining("cannot work with NewtonCG")
                        .hasMessageContaining("SGD or Adam");
            } else {
                assertThat(provider.create(arguments, backpack.catalog())).isInstanceOf(DpSgd.class);
            }
        }
    }

    @Test
    void expressionsMakeIt() {
        Optimizer optimizer = backpack.catalog()
                .service(OptimizerProvider.class, "DpSgd")
                .create(
                        new io.backpack4j.spi.Arguments(
                                "optimizer DpSgd",
                                Map.of(
                                        "lr",
                                        0.5,
                                        "momentum",
                                        0.9,
                                        "max_norm",
                                        1.0,
                                        "noise_multiplier",
                                        1.1,
                                        "epsilon",
                                        3.0,
                                        "clipping",
                                        "per_layer")),
                        backpack.catalog());
        assertThat(optimizer).isEqualTo(new DpSgd(new SGD(0.5, 0.9), Clip.perLayer(1), 1.1, PrivacyBudget.of(3, 1e-5)));
        assertThatThrownBy(() -> new PrivacyBudget(new GdpAccountant(), 1e-5, OptionalDouble.of(1)))
                .hasMessageContaining("gdp");
        assertThatThrownBy(() -> new DpSgd(new SGD(1), Clip.flat(1), 0, PrivacyBudget.of(1, 1e-5)))
                .hasMessageContaining("Without noise");
    }
}
