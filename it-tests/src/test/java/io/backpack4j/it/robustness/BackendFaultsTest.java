// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.secondorder.GGNMP;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOptions;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A backend that fails at the k-th call of each of its groups of operations, allocation among them, in passes,
 * sessions, linearisations and products: every failure is reported with a name, nothing stays open, and what comes
 * after is right. {@code -Dfaults.every=1} lets every call fail.
 */
class BackendFaultsTest {

    private static final int PER_GROUP = 12;
    private static final int EVERY = Integer.getInteger("faults.every", 0);

    /** Names; or what a backend has put in words itself, where no module, loss or extension is at work. */
    private static final Pattern NAMED = Pattern.compile(
            "It was not meant to be|[Nn]ode '|[Ll]oss [A-Z]|[Ee]xtension [A-Z]|[Bb]ackend '|[Ss]ession|The pass |Jacobian|product with");

    @TempDir
    private Path folder;

    private final Faults faults = new Faults();

    /** What is done with the backend. */
    enum Work {
        PASS,
        SESSION,
        LINEARIZATION,
        BLOCK_PRODUCT;

        Map<String, double[]> of(Faults faults, BackPack backpack, Model model, Batch batch, Batch other) {
            return switch (this) {
                case PASS ->
                    Nets.results(
                            backpack.plan(model, batch, Nets.REQUESTS, PassOptions.DEFAULT.chunk(3)),
                            batch,
                            RunOptions.seed(1));
                case SESSION -> session(backpack, model, batch, other);
                case LINEARIZATION -> linearized(faults, backpack, model, batch);
                case BLOCK_PRODUCT -> blockProduct(faults, backpack, model, batch);
            };
        }

        private static Map<String, double[]> session(BackPack backpack, Model model, Batch batch, Batch other) {
            Map<String, double[]> arrays = new TreeMap<>();
            SessionOptions options = SessionOptions.DEFAULT.keepOutputs();
            try (Session session = backpack.session(model, Nets.REQUESTS, options);
                    Session merged = backpack.session(model, Nets.REQUESTS, options)) {
                session.add(batch);
                merged.merge(session);
                merged.add(other);
                try (Results results = merged.results()) {
                    results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
                }
            }
            return arrays;
        }

        private static Map<String, double[]> linearized(Faults faults, BackPack backpack, Model model, Batch batch) {
            Map<String, double[]> arrays = new TreeMap<>();
            List<CurvatureMatrix> matrices = List.of(
                    new CurvatureMatrix.GaussNewton(),
                    new CurvatureMatrix.PositiveCurvature(CurvatureMatrix.Projection.ABS));
            try (Linearization linearization = backpack.linearize(model, batch, matrices, PassOptions.DEFAULT, 1);
                    TensorScope scope = faults.outside(backpack.backend()::openScope)) {
                Map<String, Tensor> tangents = new LinkedHashMap<>();
                Map<String, Tensor> products = new LinkedHashMap<>();
                linearization.parameters().forEach((name, shape) -> {
                    tangents.put(name, filled(faults, scope, shape.prepend(1), 1));
                    products.put(name, filled(faults, scope, shape.prepend(1), 0));
                });
                Tensor outputs =
                        filled(faults, scope, linearization.outputShape().prepend(1), 0);
                linearization.pushforward(tangents, outputs);
                arrays.put("outputs", outputs.toDoubleArray());
                for (CurvatureMatrix matrix : matrices) {
                    linearization.multiply(matrix, 1, tangents, products);
                    products.forEach((name, tensor) -> arrays.put(matrix + name, tensor.toDoubleArray()));
                }
                linearization.pullback(outputs, products);
                products.forEach((name, tensor) -> arrays.put("pullback " + name, tensor.toDoubleArray()));
            }
            return arrays;
        }

        private static Map<String, double[]> blockProduct(Faults faults, BackPack backpack, Model model, Batch batch) {
            Map<String, double[]> arrays = new TreeMap<>();
            GGNMP product = new GGNMP();
            try (Results results = backpack.plan(model, batch, List.of(Request.of(product)), PassOptions.DEFAULT)
                            .run(batch);
                    TensorScope scope = faults.outside(backpack.backend()::openScope)) {
                for (String name : List.of("1.weight", "3.weight")) {
                    Shape shape = model.parameters().spec(name).shape().prepend(2);
                    Tensor vectors = filled(faults, scope, shape, 1);
                    arrays.put(
                            name,
                            results.get(product, name).multiply(scope, vectors).toDoubleArray());
                }
            }
            return arrays;
        }
    }

    private static Tensor filled(Faults faults, TensorScope scope, Shape shape, double value) {
        Tensor tensor = faults.outside(() -> scope.allocate(shape, DType.FLOAT32));
        double[] values = new double[(int) shape.elements()];
        Arrays.fill(values, value);
        tensor.write(0, values, 0, values.length);
        return tensor;
    }

    @ParameterizedTest
    @CsvSource({
        "PASS, cpu",
        "SESSION, cpu",
        "SESSION, heap",
        "LINEARIZATION, cpu",
        "LINEARIZATION, heap",
        "BLOCK_PRODUCT, cpu",
        "BLOCK_PRODUCT, heap"
    })
    void every_group_of_operations_may_fail(Work work, String backend) throws IOException {
        with(backend, (backpack, model, batch, other) -> {
            work.of(faults, backpack, model, batch, other); // plans are made
            faults.reset();
            Map<String, double[]> expected = work.of(faults, backpack, model, batch, other);
            Map<String, Integer> groups = faults.callsOfGroups();
            assertThat(groups).containsKeys("TensorScope", "Elementwise", "Products");
            long open = backpack.backend().memory().openTensors();
            int failed = 0;
            for (Map.Entry<String, Integer> group : new TreeMap<>(groups).entrySet()) {
                faults.restrict(group.getKey());
                for (int call : calls(group.getValue())) {
                    failed++;
                    faults.throwAt(call, Faults.THROWN.get(call % Faults.THROWN.size()));
                    String what = "%s at call %d of %s".formatted(work, call, group.getKey());
                    BackpackException failure = failure(work, backpack, model, batch, other);
                    boolean struck = faults.struck();
                    faults.reset();
                    assertThat(struck).as(what).isTrue();
                    assertThat(failure).as(what).isNotNull();
                    assertThat(failure.getMessage()).as(what).containsPattern(NAMED);
                    assertThat(backpack.backend().memory().openTensors())
                            .as(what)
                            .isEqualTo(open);
                }
                faults.restrict(null);
                assertSame(work.of(faults, backpack, model, batch, other), expected);
            }
            Figures.row(
                    "%s whose backend '%s' throws".formatted(work, backend),
                    "%d faults in %d groups of operations, all reported in words, nothing left open",
                    failed,
                    groups.size());
        });
    }

    /** Memory that is refused in a pass is reported with what was planned and what there is. */
    @ParameterizedTest
    @CsvSource({"cpu", "heap"})
    void refused_memory_is_reported_with_sizes(String backend) throws IOException {
        with(backend, (backpack, model, batch, other) -> {
            Work.PASS.of(faults, backpack, model, batch, other);
            faults.reset();
            Work.PASS.of(faults, backpack, model, batch, other);
            int allocations = faults.callsOfGroups().get("TensorScope");
            faults.restrict("TensorScope");
            for (int call : calls(allocations)) {
                faults.throwAt(
                        call,
                        () -> new BackpackException(
                                CommonProblems.OUT_OF_MEMORY, "1,234 bytes were asked for, 56 are left."));
                BackpackException failure = failure(Work.PASS, backpack, model, batch, other);
                faults.reset();
                assertThat(failure)
                        .hasMessageContaining("1,234 bytes were asked for, 56 are left.")
                        .hasMessageContaining("The pass was planned to take ")
                        .hasMessageContaining("the backend holds ");
            }
        });
    }

    /** A batch that fails leaves the session as it was, or the session says that it cannot be used. */
    @ParameterizedTest
    @CsvSource({"cpu", "heap"})
    void sessions_survive_batches_that_fail(String backend) throws IOException {
        with(backend, (backpack, model, batch, other) -> {
            Map<String, double[]> expected = sum(backpack, model, batch, other);
            Session counted = backpack.session(model, Nets.REQUESTS, SessionOptions.DEFAULT);
            faults.reset();
            counted.add(batch);
            int calls = faults.calls();
            counted.close();
            int unchanged = 0;
            int unusable = 0;
            for (int call : calls(calls)) {
                try (Session session = backpack.session(model, Nets.REQUESTS, SessionOptions.DEFAULT)) {
                    session.add(batch);
                    faults.throwAt(call, Faults.THROWN.get(call % Faults.THROWN.size()));
                    assertThat(thrown(() -> session.add(other)))
                            .as("call %d", call)
                            .isNotNull();
                    faults.reset();
                    BackpackException again = thrown(() -> session.add(other));
                    if (again == null) {
                        unchanged++;
                        assertSame(arrays(session), expected);
                    } else {
                        unusable++;
                        assertThat(again).hasMessageStartingWith("[UnusableSession] ");
                    }
                }
            }
            assertThat(unchanged).isGreaterThan(unusable);
            Figures.row(
                    "batches that fail in a session on '%s'".formatted(backend),
                    "%d faults; %d sessions as they were, %d refuse to go on",
                    unchanged + unusable,
                    unchanged,
                    unusable);
        });
    }

    private static Map<String, double[]> sum(BackPack backpack, Model model, Batch batch, Batch other) {
        try (Session session = backpack.session(model, Nets.REQUESTS, SessionOptions.DEFAULT)) {
            session.add(batch);
            session.add(other);
            return arrays(session);
        }
    }

    private static Map<String, double[]> arrays(Session session) {
        Map<String, double[]> arrays = new TreeMap<>();
        try (Results results = session.results()) {
            results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        }
        return arrays;
    }

    /** The first and last ones, and some in between. */
    private static TreeSet<Integer> calls(int count) {
        int step = EVERY > 0 ? EVERY : Math.max(1, count / PER_GROUP);
        TreeSet<Integer> calls = new TreeSet<>(List.of(0, count - 1));
        for (int call = 0; call < count; call += step) {
            calls.add(call);
        }
        return calls;
    }

    private interface Body {
        void run(BackPack backpack, Model model, Batch batch, Batch other);
    }

    private void with(String backend, Body body) throws IOException {
        FaultyPlugin.faults = new Faulty(faults)::backend;
        try (URLClassLoader loader = FaultyPlugin.loader(folder);
                BackPack backpack = BackPack.builder()
                        .classLoader(loader)
                        .backend("faulty-" + backend)
                        .threads(1)
                        .build()) {
            try (Model model = backpack.model(Nets.perceptron(3), new CrossEntropyLoss(), DType.FLOAT32, Nets.IMAGE);
                    Batch batch = Nets.batch(backpack, DType.FLOAT32, 4, 1, 0);
                    Batch other = Nets.batch(backpack, DType.FLOAT32, 3, 2, 100)) {
                model.parameters().initialize(2);
                body.run(backpack, model, batch, other);
            }
            assertThat(backpack.backend().memory().openTensors()).isZero();
        } finally {
            FaultyPlugin.faults = UnaryOperator.identity();
        }
    }

    private BackpackException failure(Work work, BackPack backpack, Model model, Batch batch, Batch other) {
        return thrown(() -> work.of(faults, backpack, model, batch, other));
    }

    private static BackpackException thrown(Runnable work) {
        try {
            work.run();
            return null;
        } catch (BackpackException e) {
            return e;
        }
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) -> assertThat(actual.get(name)).as(name).isEqualTo(values));
    }
}
