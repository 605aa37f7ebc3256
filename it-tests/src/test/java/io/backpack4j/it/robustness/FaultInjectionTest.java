// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.MaxPool;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossReduction;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A fault at every call, one after the other: each is reported, nothing stays open, and the next pass on the same
 * instance is right.
 */
class FaultInjectionTest {

    private static final int N = 4;

    /** A backend has very many calls: by default some of them fail, each with {@code -Dfaults.every=1}. */
    private static final int EVERY = Integer.getInteger("faults.every", 13);

    @TempDir
    private Path folder;

    private final Faults faults = new Faults();
    private final Faulty faulty = new Faulty(faults);

    /** Who fails. */
    enum Who {
        MODULE,
        LOSS,
        EXTENSION,
        BACKEND
    }

    @ParameterizedTest
    @CsvSource({
        "MODULE, perceptron, heap", "MODULE, convolutions, heap", "MODULE, convolutions, cpu", "LOSS, perceptron, heap",
        "LOSS, convolutions, cpu", "EXTENSION, perceptron, heap", "EXTENSION, convolutions, cpu",
                "BACKEND, perceptron, heap",
        "BACKEND, convolutions, heap", "BACKEND, perceptron, cpu", "BACKEND, convolutions, cpu"
    })
    @DisplayName("what is thrown")
    void thrown(Who who, String network, String backend) throws IOException {
        with(who, network, backend, DType.FLOAT32, (backpack, model, batch, requests) -> {
            Plan plan = backpack.plan(
                    model, batch, requests, PassOptions.DEFAULT.chunk(3).block(2));
            Map<String, double[]> expected = results(plan, batch);
            int calls = calls(plan, batch);
            assertThat(calls).isPositive();
            long open = backpack.backend().memory().openTensors();
            int step = who == Who.BACKEND ? EVERY : 1;
            int failed = 0;
            int reported = 0;
            for (int call = 0; call < calls; call += step) {
                failed++;
                faults.throwAt(call, Faults.THROWN.get(call % Faults.THROWN.size()));
                BackpackException failure = failure(plan, batch);
                assertThat(faults.struck()).isTrue();
                assertThat(failure).as("call %d", call).isNotNull();
                reported += named(who, failure) ? 1 : 0;
                faults.reset();
                assertThat(backpack.backend().memory().openTensors())
                        .as("open tensors after a fault at call %d", call)
                        .isEqualTo(open);
                if (failed % 23 == 1) {
                    assertSame(results(plan, batch), expected, call);
                }
            }
            assertSame(results(plan, batch), expected, calls);
            Figures.row(
                    "%s of %s on '%s' throws".formatted(who, network, backend),
                    "%d faults, %d named",
                    failed,
                    reported);
            if (who != Who.BACKEND) {
                assertThat(reported).isEqualTo(failed);
            }
        });
    }

    @ParameterizedTest
    @CsvSource({
        "MODULE, perceptron",
        "MODULE, convolutions",
        "LOSS, perceptron",
        "LOSS, convolutions",
        "EXTENSION, perceptron"
    })
    @DisplayName("what is returned instead of a tensor")
    void returned(Who who, String network) throws IOException {
        with(who, network, "heap", DType.FLOAT64, (backpack, model, batch, requests) -> {
            Plan plan = backpack.plan(
                    model, batch, requests, PassOptions.DEFAULT.chunk(3).nan(NanPolicy.FAIL_EVERYWHERE));
            Map<String, double[]> expected = results(plan, batch);
            long open = backpack.backend().memory().openTensors();
            Map<String, Integer> outcomes = new TreeMap<>();
            for (Faults.Spoiled spoiled : Faults.Spoiled.values()) {
                boolean more = true;
                for (int call = 0; more; call++) {
                    faults.spoilAt(call, spoiled, backpack.backend());
                    BackpackException failure = failure(plan, batch);
                    more = faults.struck();
                    faults.reset();
                    String what = "%s at call %d: %s".formatted(spoiled, call, failure);
                    if (more) {
                        String outcome = failure == null
                                ? "not seen"
                                : failure.problems().get(0).id().name();
                        outcomes.merge(spoiled + " " + outcome, 1, Integer::sum);
                        assertThat(failure).as(what).isNotNull();
                    }
                    assertThat(backpack.backend().memory().openTensors())
                            .as(what)
                            .isEqualTo(open);
                }
            }
            assertSame(results(plan, batch), expected, 0);
            Figures.row("%s of %s returns something wrong".formatted(who, network), "%s", outcomes);
        });
    }

    @ParameterizedTest
    @CsvSource({"MODULE, perceptron", "LOSS, perceptron", "EXTENSION, perceptron", "MODULE, convolutions"})
    @DisplayName("what is thrown while a plan is made")
    void planning(Who who, String network) throws IOException {
        with(who, network, "cpu", DType.FLOAT32, (backpack, model, batch, requests) -> {
            int calls = 1;
            for (int call = 0; call < calls; call++) {
                PassOptions options = PassOptions.DEFAULT.memory((1L << 40) + call);
                Supplier<Throwable> thrown = Faults.THROWN.get(call % Faults.THROWN.size());
                faults.throwAt(call, thrown);
                BackpackException failure = null;
                try {
                    backpack.plan(model, batch, requests, options);
                } catch (BackpackException e) {
                    failure = e;
                }
                // No memory in a rehearsal means that the splitting does not fit: the next one is tried.
                if (!(thrown.get() instanceof OutOfMemoryError)) {
                    assertThat(failure).as("call %d", call).isNotNull();
                }
                faults.reset();
                backpack.plan(model, batch, requests, options);
                calls = faults.calls();
            }
            Figures.row("%s of %s throws while a plan is made".formatted(who, network), "%d faults", calls);
        });
    }

    private interface Body {
        void run(BackPack backpack, Model model, Batch batch, List<Request<?>> requests);
    }

    private void with(Who who, String network, String backend, DType dtype, Body body) throws IOException {
        FaultyPlugin.faults = who == Who.BACKEND ? faulty::backend : UnaryOperator.identity();
        boolean images = network.equals("convolutions");
        Shape sample = images ? Shape.of(1, 5, 5) : Shape.of(5);
        Loss loss = new CrossEntropyLoss(LossReduction.MEAN);
        try (URLClassLoader loader = FaultyPlugin.loader(folder);
                BackPack backpack = BackPack.builder()
                        .classLoader(loader)
                        .backend("faulty-" + backend)
                        .threads(1)
                        .build()) {
            Graph graph = Graph.sequential(modules(images)
                    .map(module -> who == Who.MODULE ? faulty.module(module) : module)
                    .toArray(Module[]::new));
            Random random = new Random(3);
            float[] inputs = new float[N * (int) sample.elements()];
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = (float) random.nextGaussian();
            }
            try (Model model = backpack.model(graph, who == Who.LOSS ? faulty.loss(loss) : loss, dtype, sample);
                    Batch batch = backpack.batch(dtype, inputs, sample.prepend(N), new long[] {0, 1, 2, 0})) {
                model.parameters().initialize(2);
                body.run(backpack, model, batch, requests(who));
            }
            assertThat(backpack.backend().memory().openTensors()).isZero();
        } finally {
            FaultyPlugin.faults = UnaryOperator.identity();
        }
    }

    private static Stream<Module> modules(boolean images) {
        return images
                ? Stream.of(
                        Conv.of(2, 1, 2, 3).withPadding(1),
                        new ReLU(),
                        MaxPool.of(2, 2),
                        BatchNorm.of(2, 2, Mode.EVAL),
                        new Flatten(),
                        new Linear(8, 3))
                : Stream.of(new Linear(5, 4), new Sigmoid(), new Linear(4, 3));
    }

    private List<Request<?>> requests(Who who) {
        List<Request<?>> requests = new ArrayList<>();
        for (Extension<?> extension : List.<Extension<?>>of(
                new BatchGrad(),
                new BatchL2Grad(),
                new Variance(),
                new DiagGGNExact(),
                new DiagHessian(),
                new KFAC())) {
            requests.add(who == Who.EXTENSION ? Request.of(faulty.extension(extension)) : Request.of(extension));
        }
        return requests;
    }

    private int calls(Plan plan, Batch batch) {
        faults.reset();
        results(plan, batch);
        return faults.calls();
    }

    private static boolean named(Who who, BackpackException failure) {
        String message = String.valueOf(failure.getMessage());
        return switch (who) {
            case MODULE -> message.contains("ode '");
            case LOSS -> message.contains("oss CrossEntropyLoss");
            case EXTENSION -> message.contains("xtension ");
            case BACKEND ->
                message.contains("ode '")
                        || message.contains("oss ")
                        || message.contains("xtension ")
                        || message.contains("ackend ");
        };
    }

    private static BackpackException failure(Plan plan, Batch batch) {
        try (Results results = plan.run(batch, 7)) {
            assertThat(results.loss()).isFinite();
            return null;
        } catch (BackpackException e) {
            return e;
        }
    }

    private static Map<String, double[]> results(Plan plan, Batch batch) {
        Map<String, double[]> arrays = new TreeMap<>();
        try (Results results = plan.run(batch, 7)) {
            results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        }
        return arrays;
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected, int call) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) ->
                assertThat(actual.get(name)).as("%s after call %d", name, call).isEqualTo(values));
    }
}
