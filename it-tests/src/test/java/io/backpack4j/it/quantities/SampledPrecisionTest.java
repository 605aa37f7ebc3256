// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.BatchDiagGGNMC;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.ext.secondorder.SqrtGGNMC;
import io.backpack4j.ext.vivit.GramSqrtGGNMC;
import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.Randomness;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@link Precision#BF16_FAST}: what is sampled has errors far below the noise of one sample, what is exact changes no
 * bit. Where the processor does not multiply bfloat16, only refusals are tested: there is nothing else.
 */
class SampledPrecisionTest {

    private static final long SEED = Randomness.seed(1);
    private static final int SEEDS = 8;
    private static final int TEXT = 64;
    private static final int CHARACTERS = 76;
    private static final PassOptions FAST = PassOptions.DEFAULT.precision(Precision.BF16_FAST);

    private static final List<Request<?>> SAMPLED = List.of(
            Request.of(new DiagGGNMC()),
            Request.of(new BatchDiagGGNMC()),
            Request.of(new SqrtGGNMC()),
            Request.of(new KFAC()));

    private static final List<Request<?>> EXACT = List.of(
            Request.of(new BatchGrad()),
            Request.of(new BatchL2Grad()),
            Request.of(new DiagGGNExact()),
            Request.of(new KFLR()));

    private static BackPack backpack;

    @BeforeAll
    static void open() {
        backpack = BackPack.builder().backend("cpu").threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private static void assumeFast() {
        assumeTrue(
                backpack.backend().supports(Precision.BF16_FAST, DType.FLOAT32),
                "The processor does not multiply bfloat16, or oneDNN is missing.");
    }

    /** A model and its batch, of one type. */
    private record Case(Model model, Batch batch) implements AutoCloseable {

        static Case of(String name, DType dtype) {
            if (Architecture.NAMES.contains(name)) {
                Architecture architecture = Architecture.read(name);
                return new Case(architecture.model(backpack, dtype), architecture.batch(backpack, dtype));
            }
            return switch (name) {
                case "mnist_mlp" -> of(name, dtype, Shape.of(1, 28, 28), 64, 0, 64);
                case "3c3d" -> of(name, dtype, Shape.of(3, 32, 32), 32, 0, 32);
                case "charlm", "charlm-lstm" -> ofText(name, dtype, 8);
                default -> throw new IllegalArgumentException(name);
            };
        }

        /** The samples from one to another of {@code all}. */
        static Case of(String name, DType dtype, Shape sample, int all, int from, int to) {
            int size = (int) sample.elements();
            Random random = new Random(SEED + name.hashCode());
            double[] inputs = new double[all * size];
            Arrays.setAll(inputs, i -> (float) random.nextGaussian());
            long[] labels = random.longs(all, 0, 10).toArray();
            Model model = backpack.model(description(name), dtype, sample);
            model.parameters().initialize(1);
            Batch batch = backpack.batch(dtype)
                    .sampleIds(LongStream.range(from, to).toArray())
                    .input("input", sample.prepend(to - from), Arrays.copyOfRange(inputs, from * size, to * size))
                    .targets(Shape.of(to - from), Arrays.copyOfRange(labels, from, to))
                    .build();
            return new Case(model, batch);
        }

        private static Case ofText(String name, DType dtype, int samples) {
            Shape sample = Shape.of(TEXT);
            Random random = new Random(SEED);
            Model model = backpack.model(description(name), dtype, sample);
            model.parameters().initialize(1);
            Shape shape = sample.prepend(samples);
            Batch batch = backpack.batch(dtype)
                    .input(
                            "input",
                            shape,
                            random.longs((long) samples * TEXT, 0, CHARACTERS).toArray())
                    .targets(
                            shape,
                            random.longs((long) samples * TEXT, 0, CHARACTERS).toArray())
                    .build();
            return new Case(model, batch);
        }

        private static ModelDescription description(String name) {
            String resource = "/io/backpack4j/cli/problems/" + name + ".json";
            try (InputStream in = Case.class.getResourceAsStream(resource)) {
                String json = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
                return ModelFile.parse(json, name);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        SortedMap<String, double[]> run(List<Request<?>> requests, PassOptions options, long seed) {
            SortedMap<String, double[]> arrays = new TreeMap<>();
            Plan plan = backpack.plan(model, batch, requests, options.updateBuffers(false));
            try (Results results = plan.run(batch, seed)) {
                results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
            }
            return arrays;
        }

        @Override
        public void close() {
            batch.close();
            model.close();
        }
    }

    private static boolean isSampled(String result) {
        return result.contains("_mc") || result.endsWith("/kfac/0");
    }

    private static double norm(double[] numbers) {
        return Math.sqrt(Arrays.stream(numbers).map(it -> it * it).sum());
    }

    private static double distance(double[] a, double[] b) {
        return norm(IntStream.range(0, a.length).mapToDouble(i -> a[i] - b[i]).toArray());
    }

    /** Errors, and deviations between seeds, of all parameters' results of one quantity, squared. */
    private static final class Errors {
        double size;
        double fast;
        double full;
        double noise;

        String row(String network, String quantity) {
            return String.format(
                    Locale.ROOT,
                    "| %s | %s | %.1e | %.1e | %.2f | %.3f |",
                    network,
                    quantity,
                    Math.sqrt(full / size),
                    Math.sqrt(fast / size),
                    Math.sqrt(noise / size),
                    Math.sqrt(fast / noise));
        }
    }

    /** Small batches, of which results of single samples fit into memory. */
    private static Case small(String name, DType dtype) {
        return switch (name) {
            case "mnist_mlp" -> Case.of(name, dtype, Shape.of(1, 28, 28), 64, 0, 64);
            case "3c3d", "allcnnc" -> Case.of(name, dtype, Shape.of(3, 32, 32), 6, 0, 6);
            default -> Case.of(name, dtype);
        };
    }

    /**
     * Norms of errors against float64 with the same draws, and of the standard deviation between seeds, of every result
     * and of all of a quantity together.
     */
    @ParameterizedTest
    @ValueSource(strings = {"mnist_mlp", "3c3d", "allcnnc", "resnet18", "charlm", "charlm-lstm"})
    void errors_are_below_the_noise_of_one_sample(String name) {
        assumeFast();
        SortedMap<String, Errors> quantities = new TreeMap<>();
        // its results of single samples do not fit into memory, nor are fewer samples worth rounding
        List<Request<?>> requests =
                name.equals("mnist_mlp") ? List.of(Request.of(new DiagGGNMC()), Request.of(new KFAC())) : SAMPLED;
        for (Request<?> request : requests) {
            errors(name, request, quantities);
        }
        assertThat(quantities).hasSize(requests.size());
        quantities.forEach((quantity, errors) -> {
            System.out.println(errors.row(name, quantity));
            assertThat(errors.fast).as(quantity).isLessThan(errors.noise / 16 / 16);
            assertThat(errors.full).as(quantity).isLessThan(1e-8 * errors.size);
        });
    }

    private static void errors(String name, Request<?> request, SortedMap<String, Errors> quantities) {
        SortedMap<String, double[]> expected = new TreeMap<>();
        try (Case reference = small(name, DType.FLOAT64)) {
            expected.putAll(reference.run(List.of(request), PassOptions.DEFAULT, 0));
        }
        expected.keySet().removeIf(result -> !isSampled(result));
        try (Case single = small(name, DType.FLOAT32)) {
            SortedMap<String, Double> noise = new TreeMap<>();
            SortedMap<String, double[]> sums = new TreeMap<>();
            for (int seed = 0; seed < SEEDS; seed++) {
                SortedMap<String, double[]> full = single.run(List.of(request), PassOptions.DEFAULT, seed);
                boolean first = seed == 0;
                expected.forEach((result, numbers) -> {
                    double[] found = full.get(result);
                    double[] sum = sums.computeIfAbsent(result, absent -> new double[found.length]);
                    Arrays.setAll(sum, i -> sum[i] + found[i]);
                    noise.merge(result, norm(found) * norm(found) / (SEEDS - 1), Double::sum);
                    if (first) {
                        of(result, quantities).full += Math.pow(distance(found, numbers), 2);
                    }
                });
            }
            SortedMap<String, double[]> fast = single.run(List.of(request), FAST, 0);
            expected.forEach((result, numbers) -> {
                double sum = norm(sums.get(result));
                double deviation = noise.get(result) - sum * sum / SEEDS / (SEEDS - 1);
                double error = distance(fast.get(result), numbers);
                assertThat(error * error).as(result).isLessThanOrEqualTo(deviation);
                Errors errors = of(result, quantities);
                errors.size += norm(numbers) * norm(numbers);
                errors.fast += error * error;
                errors.noise += deviation;
            });
        }
    }

    private static Errors of(String result, SortedMap<String, Errors> quantities) {
        return quantities.computeIfAbsent(result.split("/")[1], absent -> new Errors());
    }

    static List<String> networks() {
        List<String> names = new ArrayList<>(List.of("mnist_mlp", "3c3d", "charlm", "charlm-lstm"));
        names.addAll(Architecture.NAMES);
        return names;
    }

    @ParameterizedTest
    @MethodSource("networks")
    void what_is_exact_changes_no_bit(String name) {
        assumeFast();
        // exact curvature of the others takes minutes
        boolean small = !List.of(
                        "charlm",
                        "charlm-lstm",
                        "resnet50",
                        "densenet",
                        "vgg11",
                        "mobilenet_v3",
                        "efficientnet",
                        "convnext")
                .contains(name);
        List<Request<?>> requests = new ArrayList<>(small ? EXACT : List.of(Request.of(new BatchL2Grad())));
        requests.add(Request.of(new DiagGGNMC()));
        requests.add(Request.of(new GramSqrtGGNMC(1)));
        // its table is tied, so that there are no factors
        if (name.equals("gpt")) {
            requests.removeIf(request -> request.extension() instanceof KFLR);
        } else {
            requests.add(Request.of(new KFAC()));
        }
        try (Case single = Case.of(name, DType.FLOAT32)) {
            SortedMap<String, double[]> full = single.run(requests, PassOptions.DEFAULT, 3);
            SortedMap<String, double[]> fast = single.run(requests, FAST, 3);
            assertThat(fast.keySet()).isEqualTo(full.keySet());
            int changed = 0;
            for (String result : full.keySet()) {
                if (!isSampled(result)) {
                    assertThat(fast.get(result)).as(result).isEqualTo(full.get(result));
                } else if (!Arrays.equals(fast.get(result), full.get(result))) {
                    changed++;
                }
            }
            if (List.of("mnist_mlp", "3c3d", "charlm", "charlm-lstm").contains(name)) {
                assertThat(changed).as("changed results").isPositive();
            }
        }
    }

    /** Whether a product is worth rounding depends on its size, so that parts of a batch differ by that much. */
    @Test
    void chunks_and_sessions_are_one_pass() {
        assumeFast();
        List<Request<?>> requests =
                List.of(Request.of(new DiagGGNMC(2)), Request.of(new KFAC(2)), Request.of(new Variance()));
        Shape sample = Shape.of(3, 32, 32);
        try (Case whole = Case.of("3c3d", DType.FLOAT32)) {
            SortedMap<String, double[]> expected = whole.run(requests, FAST, 5);
            assertClose("chunks", whole.run(requests, FAST.chunk(7), 5), expected);
            assertClose("blocks", whole.run(requests, FAST.block(1), 5), expected);
            SessionOptions options = SessionOptions.DEFAULT.pass(FAST).seed(5);
            try (Session first = backpack.session(whole.model(), requests, options);
                    Session second = backpack.session(whole.model(), requests, options);
                    Case one = Case.of("3c3d", DType.FLOAT32, sample, 32, 0, 20);
                    Case other = Case.of("3c3d", DType.FLOAT32, sample, 32, 20, 32)) {
                first.add(one.batch());
                second.add(other.batch());
                first.merge(second);
                SortedMap<String, double[]> merged = new TreeMap<>();
                try (Results results = first.results()) {
                    results.tensors().forEach((name, tensor) -> merged.put(name, tensor.toDoubleArray()));
                }
                merged.keySet().retainAll(expected.keySet());
                SortedMap<String, double[]> comparable = new TreeMap<>(expected);
                comparable.keySet().retainAll(merged.keySet());
                assertThat(comparable).hasSizeGreaterThan(20);
                assertClose("sessions", merged, comparable);
            }
        }
    }

    private static void assertClose(
            String what, SortedMap<String, double[]> actual, SortedMap<String, double[]> expected) {
        assertThat(actual.keySet()).as(what).isEqualTo(expected.keySet());
        expected.forEach((name, numbers) -> {
            double tolerance = isSampled(name) ? 5e-3 : 1e-5;
            assertThat(distance(actual.get(name), numbers))
                    .as("%s of %s", name, what)
                    .isLessThanOrEqualTo(tolerance * norm(numbers));
        });
    }

    @Test
    void sessions_of_other_precisions_merge_only_what_is_exact() {
        assumeFast();
        List<Request<?>> sampled = List.of(Request.of(new DiagGGNMC()), Request.of(new Variance()));
        assertThatThrownBy(() -> merge(sampled))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("[OtherSession]")
                .hasMessageContaining("in precision BF16_FAST")
                .hasMessageContaining("DiagGGNMC");
        merge(List.of(Request.of(new Variance())));
    }

    private static void merge(List<Request<?>> requests) {
        Shape sample = Shape.of(1, 28, 28);
        try (Case one = Case.of("mnist_mlp", DType.FLOAT32, sample, 4, 0, 2);
                Case other = Case.of("mnist_mlp", DType.FLOAT32, sample, 4, 2, 4);
                Session full = backpack.session(one.model(), requests, SessionOptions.DEFAULT);
                Session fast = backpack.session(other.model(), requests, SessionOptions.DEFAULT.pass(FAST))) {
            full.add(one.batch());
            fast.add(other.batch());
            full.merge(fast);
        }
    }

    @Test
    void plans_say_what_is_rounded() {
        assumeFast();
        try (Case single = Case.of("mnist_mlp", DType.FLOAT32)) {
            Plan sampled = backpack.plan(single.model(), single.batch(), List.of(Request.of(new KFAC())), FAST);
            assertThat(sampled.toString())
                    .contains("products of loss gradient at 1 drawn targets in precision BF16_FAST");
            Plan exact = backpack.plan(single.model(), single.batch(), List.of(Request.of(new KFLR())), FAST);
            assertThat(exact.toString()).doesNotContain("precision");
        }
    }

    /** Copies that are rounded are part of what is rehearsed. */
    @Test
    void budgets_hold_and_steady_passes_take_no_memory_from_the_system() {
        assumeFast();
        try (Case single = Case.of("3c3d", DType.FLOAT32)) {
            List<Request<?>> requests = List.of(Request.of(new DiagGGNMC()), Request.of(new KFAC()));
            SortedMap<String, double[]> expected = single.run(requests, FAST, 1);
            Plan free = backpack.plan(single.model(), single.batch(), requests, FAST);
            long budget = 48 << 20;
            PassOptions options = FAST.memory(budget);
            Plan plan = backpack.plan(single.model(), single.batch(), requests, options.updateBuffers(false));
            assertThat(plan.peakBytes()).isLessThanOrEqualTo(budget);
            assertClose("budget", single.run(requests, options, 1), expected);
            for (int i = 0; i < 3; i++) {
                free.run(single.batch(), i).close();
            }
            long before = backpack.backend().memory().systemAllocations();
            for (int i = 0; i < 3; i++) {
                free.run(single.batch(), i).close();
            }
            assertThat(backpack.backend().memory().systemAllocations()).isEqualTo(before);
        }
    }

    @Test
    void other_types_and_kernels_are_refused() {
        List<Request<?>> requests = List.of(Request.of(new DiagGGNMC()));
        try (Case exact = Case.of("mnist_mlp", DType.FLOAT64)) {
            assertThatThrownBy(() -> backpack.plan(exact.model(), exact.batch(), requests, FAST))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[Unsupported]")
                    .hasMessageContaining("BF16_FAST")
                    .hasMessageContaining("FLOAT64");
            assertThatThrownBy(() -> backpack.session(exact.model(), requests, SessionOptions.DEFAULT.pass(FAST)))
                    .hasMessageContaining("[Unsupported]");
        }
        try (BackPack fallback = BackPack.builder()
                        .backend("cpu")
                        .properties(Map.of("backpack.cpu.kernels", "nd4j"))
                        .build();
                Model model = fallback.model(Case.description("mnist_mlp"), DType.FLOAT32, Shape.of(1, 28, 28));
                Batch batch = fallback.batch(DType.FLOAT32, new float[784], Shape.of(1, 1, 28, 28), new long[] {3})) {
            assertThatThrownBy(() -> fallback.plan(model, batch, requests, FAST))
                    .hasMessageContaining("[Unsupported]")
                    .hasMessageContaining("'cpu'")
                    .hasMessageContaining("oneDNN");
        }
    }
}
