// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.ext.vivit.CenteredBatchGrad;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PerSample;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.SampleIds;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.modules.linear.loss.MSELoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How large the state of a session is, what it knows of samples, and its way through streams. */
class SessionStateTest {

    private static BackPack backpack;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() {
        backpack = BackPack.builder().backend("cpu").threads(2).build();
    }

    @AfterAll
    static void close() {
        assertThat(backpack.backend().memory().openTensors()).isZero();
        backpack.close();
    }

    private static Model model(DType dtype) {
        Model model =
                backpack.model(Graph.sequential(new Linear(3, 2, true)), new CrossEntropyLoss(), dtype, Shape.of(3));
        model.parameters().initialize(5);
        return model;
    }

    private static Batch batch(DType dtype, long... ids) {
        double[] inputs = new double[ids.length * 3];
        long[] labels = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            Random random = new Random(ids[i]);
            labels[i] = random.nextInt(2);
            for (int j = 0; j < 3; j++) {
                inputs[3 * i + j] = random.nextGaussian();
            }
        }
        return backpack.batch(dtype)
                .input(Graph.INPUT, Shape.of(ids.length, 3), inputs)
                .targets(Shape.of(ids.length), labels)
                .sampleIds(ids)
                .build();
    }

    private static Session open(Model model, SampleIds ids, PerSample perSample, Extension<?>... extensions) {
        List<Request<?>> requests =
                Stream.of(extensions).<Request<?>>map(Request::of).toList();
        return backpack.session(model, requests, SessionOptions.DEFAULT.ids(ids).perSample(perSample));
    }

    private static void add(Session session, long... ids) {
        try (Batch batch = batch(DType.FLOAT64, ids)) {
            session.add(batch);
        }
    }

    private static AbstractThrowableAssert<?, ?> assertRefused(ThrowingCallable action) {
        return assertThatThrownBy(action).isInstanceOf(BackpackException.class);
    }

    private static byte[] bytes(SessionState state) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        SessionFile.writeTo(state, bytes);
        return bytes.toByteArray();
    }

    private static Map<String, double[]> results(Session session) {
        Map<String, double[]> arrays = new TreeMap<>();
        try (Results results = session.results()) {
            results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        }
        return arrays;
    }

    private static void assertSame(Session one, Session other) {
        Map<String, double[]> expected = results(one);
        Map<String, double[]> actual = results(other);
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((name, values) -> assertThat(actual.get(name)).as(name).isEqualTo(values));
        assertThat(other.samples()).isEqualTo(one.samples());
        assertThat(other.batches()).isEqualTo(one.batches());
    }

    @Test
    void ten_million_samples_take_no_more_than_a_hundred_thousand() throws IOException {
        int batchSize = 100_000;
        double[] inputs = new Random(1).doubles(batchSize * 2L).toArray();
        double[] targets = new Random(2).doubles(batchSize).toArray();
        List<Request<?>> requests = List.of(Request.of(new Variance()));
        SessionOptions options = SessionOptions.DEFAULT.ids(SampleIds.RANGES).perSample(PerSample.DROP);
        Graph graph = Graph.sequential(new Linear(2, 1));
        try (Model model = backpack.model(graph, new MSELoss(), DType.FLOAT32, Shape.of(2))) {
            model.parameters().set("0.weight", new double[] {1, -1});
            model.parameters().set("0.bias", new double[] {0.5});
            try (Session session = backpack.session(model, requests, options)) {
                long known = session.stateBytes(10_000_000);
                double loss = 0;
                long after = 0;
                for (long from = 0; from < 10_000_000; from += batchSize) {
                    try (Batch batch = backpack.batch(DType.FLOAT32)
                            .input(Graph.INPUT, Shape.of(batchSize, 2), inputs)
                            .targets(Shape.of(batchSize, 1), targets)
                            .sampleIds(LongStream.range(from, from + batchSize).toArray())
                            .build()) {
                        session.add(batch);
                    }
                    if (from == 0) {
                        after = bytes(session.state()).length;
                        loss = results(session).get("loss")[0];
                    }
                }
                assertThat(session.samples()).isEqualTo(10_000_000);
                assertThat(session.state().bytes()).isEqualTo(known).isLessThan(1000);
                assertThat(bytes(session.state())).hasSize((int) after);
                assertThat(session.stateBytes(100_000)).isEqualTo(known);
                assertThat(session)
                        .hasToString(
                                "Session of 10000000 samples in 100 batches, ids RANGES, results per sample DROP: a state of %d bytes whatever the number of samples, and 16 a range of ids after the first"
                                        .formatted(known));
                // A hundred times the same samples, under ids of their own.
                assertThat(results(session).get("loss")[0]).isCloseTo(loss, within(1e-6 * loss));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(SampleIds.class)
    void the_size_is_known_before_the_first_batch(SampleIds ids) {
        PerSample perSample = ids == SampleIds.NONE ? PerSample.DROP : PerSample.KEEP;
        Extension<?>[] kept = {new Variance(), new KFAC(1), new BatchGrad(), new BatchL2Grad()};
        Extension<?>[] extensions = ids == SampleIds.NONE ? Arrays.copyOf(kept, 2) : kept;
        try (Model model = model(DType.FLOAT64);
                Session session = open(model, ids, perSample, extensions)) {
            long expected = session.stateBytes(5);
            add(session, 0, 1);
            add(session, 2, 3, 4);
            assertThat(session.state().bytes()).isEqualTo(expected);
            assertThat(session.stateBytes(5)).isEqualTo(expected);
        }
    }

    @Test
    void columns_of_a_root_are_known_from_the_first_batch_on() {
        try (Model model = model(DType.FLOAT64);
                Session session = open(model, SampleIds.TRACKED, PerSample.KEEP, new SqrtGGNExact())) {
            assertRefused(() -> session.stateBytes(2)).hasMessageContaining("number of columns");
            assertThat(session.toString()).contains("known from the first batch on");
            add(session, 0, 1);
            assertThat(session.stateBytes(2)).isEqualTo(session.state().bytes());
        }
    }

    @Test
    void ranges_are_joined_and_an_overlap_is_refused_by_its_range() {
        try (Model model = model(DType.FLOAT64);
                Session session = open(model, SampleIds.RANGES, PerSample.DROP);
                Session other = open(model, SampleIds.RANGES, PerSample.DROP)) {
            add(session, 10, 11, 12);
            add(session, 14, 15);
            add(session, Long.MAX_VALUE, Long.MIN_VALUE);
            assertThat(ranges(session))
                    .containsExactly(Long.MIN_VALUE, Long.MIN_VALUE, 10, 12, 14, 15, Long.MAX_VALUE, Long.MAX_VALUE);
            add(session, 13);
            add(session, 9);
            assertThat(ranges(session))
                    .containsExactly(Long.MIN_VALUE, Long.MIN_VALUE, 9, 15, Long.MAX_VALUE, Long.MAX_VALUE);
            assertThat(session.sampleIds()).containsExactly(Long.MIN_VALUE, 9, 10, 11, 12, 13, 14, 15, Long.MAX_VALUE);
            assertRefused(() -> add(session, 7, 8, 9, 10, 11))
                    .hasMessageContaining("[DuplicateSample]")
                    .hasMessageContaining(
                            "The batch has samples that are there already: 9 to 11 in the range 9 to 15.");
            assertRefused(() -> add(session, 20, 21, 20)).hasMessageContaining("already: 20 twice.");
            add(other, 15, 16);
            assertRefused(() -> session.merge(other))
                    .hasMessageContaining(
                            "The other session has samples that are there already: 15 in the range 9 to 15");
            assertThat(session.samples()).isEqualTo(9);
        }
    }

    private static long[] ranges(Session session) {
        SessionState.Numbers numbers = session.state().tensors().get("sample_ranges");
        long[] values = new long[(int) numbers.shape().elements()];
        numbers.readIntegers(0, values, 0, values.length);
        return values;
    }

    @Test
    void without_ids_nothing_guards_against_counting_twice() {
        try (Model model = model(DType.FLOAT64);
                Session session = open(model, SampleIds.NONE, PerSample.DROP)) {
            add(session, 0, 1);
            add(session, 0, 1);
            assertThat(session.samples()).isEqualTo(4);
            assertRefused(session::sampleIds)
                    .hasMessageContaining("keeps no ids")
                    .hasMessageContaining("RANGES");
            try (Results results = session.results()) {
                assertRefused(results::lossPerSample).hasMessageContaining("PerSample.KEEP");
            }
        }
    }

    @Test
    void options_that_do_not_go_together_are_refused_by_name() {
        try (Model model = model(DType.FLOAT64)) {
            assertRefused(() -> open(model, SampleIds.NONE, PerSample.KEEP))
                    .hasMessageContaining("[InvalidOption]")
                    .hasMessageContaining("SampleIds.RANGES");
            assertRefused(() -> open(
                            model,
                            SampleIds.RANGES,
                            PerSample.DROP,
                            new BatchGrad(),
                            new Variance(),
                            new BatchL2Grad()))
                    .hasMessageContaining("BatchGrad has results per sample, but those are dropped")
                    .hasMessageContaining("BatchL2Grad has results per sample")
                    .hasMessageNotContaining("Variance");
            assertRefused(() -> backpack.session(
                            model,
                            List.of(),
                            SessionOptions.DEFAULT.perSample(PerSample.DROP).keepOutputs()))
                    .hasMessageContaining("keepOutputs()");
            // Its mean would be that of a batch.
            assertRefused(() -> open(
                            model, SampleIds.RANGES, PerSample.HAND_OVER, new CenteredBatchGrad(), new BatchGrad()))
                    .hasMessageContaining("CenteredBatchGrad does not say that it makes results of every sample")
                    .hasMessageContaining("PerSample.KEEP");
            try (Session handing = open(model, SampleIds.RANGES, PerSample.HAND_OVER, new BatchL2Grad());
                    Session keeping = open(model, SampleIds.RANGES, PerSample.KEEP, new BatchL2Grad());
                    Batch batch = batch(DType.FLOAT64, 0, 1)) {
                assertRefused(() -> handing.add(batch)).hasMessageContaining("nobody takes it");
                assertRefused(() -> keeping.add(batch, RunOperands.NONE, results -> {}))
                        .hasMessageContaining("hands nothing over");
                keeping.add(batch);
                assertRefused(() -> handing.merge(keeping))
                        .hasMessageContaining("other per_sample. Here: HAND_OVER. There: KEEP");
            }
        }
    }

    @Test
    void a_taker_that_throws_leaves_the_session_as_it_was() {
        try (Model model = model(DType.FLOAT64);
                Session session = open(model, SampleIds.RANGES, PerSample.HAND_OVER, new BatchL2Grad());
                Batch batch = batch(DType.FLOAT64, 0, 1)) {
            assertThatThrownBy(() -> session.add(batch, RunOperands.NONE, results -> {
                        throw new IllegalStateException("no disk");
                    }))
                    .hasMessage("no disk");
            assertThat(session.samples()).isZero();
            session.add(batch, RunOperands.NONE, results -> {
                assertThat(results.tensors().keySet())
                        .containsExactly("0.bias/batch_l2", "0.weight/batch_l2", "loss", "loss_batch");
                assertThat(results.get(new BatchL2Grad(), "0.weight").shape()).isEqualTo(Shape.of(2));
            });
            assertThat(results(session).keySet()).containsExactly("0.bias/grad", "0.weight/grad", "loss");
        }
    }

    @Test
    void what_is_handed_over_is_of_the_factor_one_whatever_the_batch() {
        try (Model model = model(DType.FLOAT64);
                Session keeping = open(model, SampleIds.RANGES, PerSample.KEEP, new BatchL2Grad(), new BatchGrad());
                Session handing =
                        open(model, SampleIds.RANGES, PerSample.HAND_OVER, new BatchL2Grad(), new BatchGrad())) {
            Map<String, double[]> rows = new TreeMap<>();
            for (long[] ids : List.of(new long[] {0}, new long[] {1, 2, 3})) {
                add(keeping, ids);
                try (Batch batch = batch(DType.FLOAT64, ids)) {
                    handing.add(
                            batch,
                            RunOperands.NONE,
                            results -> results.tensors()
                                    .forEach((name, tensor) ->
                                            rows.merge(name, tensor.toDoubleArray(), SessionStateTest::behind)));
                }
            }
            Map<String, double[]> kept = results(keeping);
            assertScaled(rows.get("0.weight/batch_l2"), 1 / 16.0, kept.get("0.weight/batch_l2"));
            assertScaled(rows.get("0.bias/grad_batch"), 1 / 4.0, kept.get("0.bias/grad_batch"));
            assertScaled(rows.get("loss_batch"), 1, kept.get("loss_batch"));
            assertThat(results(handing).get("loss")).isEqualTo(kept.get("loss"));
        }
    }

    private static double[] behind(double[] first, double[] second) {
        double[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    private static void assertScaled(double[] rows, double factor, double... expected) {
        assertThat(Arrays.stream(rows).map(value -> value * factor).toArray()).containsExactly(expected, within(1e-12));
    }

    @ParameterizedTest
    @EnumSource(SampleIds.class)
    void states_come_back_from_streams_bit_by_bit(SampleIds ids) throws IOException {
        PerSample perSample = ids == SampleIds.NONE ? PerSample.DROP : PerSample.KEEP;
        try (Model model = model(DType.FLOAT32);
                Session session = open(model, ids, perSample, new Variance(), new KFAC(1));
                Session read = open(model, ids, perSample, new Variance(), new KFAC(1));
                Session file = open(model, ids, perSample, new Variance(), new KFAC(1))) {
            for (long[] samples : List.of(new long[] {7, 3, 4}, new long[] {100}, new long[] {5, 6})) {
                try (Batch batch = batch(DType.FLOAT32, samples)) {
                    session.add(batch);
                }
            }
            ByteArrayOutputStream two = new ByteArrayOutputStream();
            SessionFile.writeTo(session.state(), two);
            SessionFile.writeTo(session.state(), two);
            InputStream source = new ByteArrayInputStream(two.toByteArray());
            SessionFile.readFrom(source);
            // A state ends where the next begins.
            read.merge(SessionFile.readFrom(source));
            assertThat(source.read()).isEqualTo(-1);
            assertSame(session, read);
            Path path = folder.resolve("state.safetensors");
            SessionFile.save(session, path);
            assertThat(path).hasBinaryContent(bytes(session.state()));
            SessionFile.load(file, path);
            assertSame(session, file);
        }
    }

    @Test
    void streams_that_are_cut_short_foreign_or_newer_are_refused() throws IOException {
        try (Model model = model(DType.FLOAT64);
                Session session = open(model, SampleIds.RANGES, PerSample.DROP, new Variance())) {
            add(session, 0, 1);
            byte[] valid = bytes(session.state());
            for (int length = 0; length < valid.length; length++) {
                byte[] cut = Arrays.copyOf(valid, length);
                assertRefused(() -> SessionFile.readFrom(new ByteArrayInputStream(cut)))
                        .as("the first %d of %d bytes", length, valid.length)
                        .hasMessageContaining("The session's stream is ");
            }
            assertStream("PK\u0003\u0004 and so on, for a while").hasMessageContaining("zip");
            assertStream("neither this nor that, but long enough").hasMessageContaining("is not a saved session");
            Path other = folder.resolve("other.safetensors");
            for (String version : List.of("3", "x")) {
                try (var writer = SafetensorsWriter.to(other)
                        .metadata("format", "backpack4j session")
                        .metadata("version", version)
                        .open()) {
                    writer.commit();
                }
                try (InputStream source = Files.newInputStream(other)) {
                    assertRefused(() -> SessionFile.readFrom(source))
                            .hasMessageContaining("version '%s', but only versions up to 2".formatted(version));
                }
            }
        }
    }

    private static AbstractThrowableAssert<?, ?> assertStream(String content) {
        byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
        return assertRefused(() -> SessionFile.readFrom(new ByteArrayInputStream(bytes)));
    }

    @Test
    void a_state_larger_than_an_array_is_written_piece_by_piece() throws IOException {
        long elements = 3L << 28;
        var numbers = new SessionState.Numbers() {
            @Override
            public DType dtype() {
                return DType.FLOAT32;
            }

            @Override
            public Shape shape() {
                return Shape.of(elements);
            }

            @Override
            public void read(long from, double[] target, int offset, int count) {
                assertThat(count).isLessThanOrEqualTo(1 << 16);
            }
        };
        SessionState state = new SessionState(Map.of(), Map.of("much", numbers));
        long[] written = new long[1];
        SessionFile.writeTo(state, new OutputStream() {
            @Override
            public void write(int value) {
                written[0]++;
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                written[0] += length;
            }
        });
        assertThat(state.bytes()).isEqualTo(3L << 30);
        assertThat(written[0]).isBetween(3L << 30, (3L << 30) + 1000);
    }

    @Test
    void files_of_the_first_version_are_read() throws IOException {
        Path old = folder.resolve("old.safetensors");
        try (Model model = model(DType.FLOAT64);
                Session session = open(model, SampleIds.TRACKED, PerSample.KEEP, new Variance(), new BatchL2Grad());
                Session loaded = open(model, SampleIds.TRACKED, PerSample.KEEP, new Variance(), new BatchL2Grad());
                Session ranges = open(model, SampleIds.RANGES, PerSample.KEEP, new Variance(), new BatchL2Grad())) {
            add(session, 0, 1);
            add(session, 5, 2, 3);
            add(session, 4);
            writeFirstVersion(session.state(), old, 1 / 2.0, 1 / 3.0, 1);
            SessionFile.load(loaded, old);
            assertSame(session, loaded);
            add(session, 6);
            add(loaded, 6);
            assertSame(session, loaded);
            assertRefused(() -> SessionFile.load(ranges, old))
                    .hasMessageContaining("other ids. Here: RANGES. There: TRACKED");
        }
    }

    /** As the first version wrote it: a factor for every batch, and no word of ids and results per sample. */
    private static void writeFirstVersion(SessionState state, Path target, double... factors) {
        var builder = SafetensorsWriter.to(target)
                .metadata("format", "backpack4j session")
                .metadata("version", "1");
        state.properties().forEach((name, value) -> {
            if (!name.equals("ids") && !name.equals("per_sample")) {
                builder.metadata("session." + name, value);
            }
        });
        Map<String, SessionState.Numbers> tensors = new TreeMap<>(state.tensors());
        tensors.keySet().removeIf(name -> name.startsWith("normalisers:"));
        tensors.forEach((name, numbers) -> builder.tensor(name, numbers.dtype(), numbers.shape()));
        builder.tensor("normalisers:batches", DType.FLOAT64, Shape.of(factors.length));
        try (SafetensorsWriter writer = builder.open()) {
            writer.write("normalisers:batches", 0, factors, 0, factors.length);
            tensors.forEach((name, numbers) -> {
                int count = (int) numbers.shape().elements();
                if (numbers.dtype() == DType.INT64) {
                    long[] values = new long[count];
                    numbers.readIntegers(0, values, 0, count);
                    writer.write(name, 0, values, 0, count);
                } else {
                    double[] values = new double[count];
                    numbers.read(0, values, 0, count);
                    writer.write(name, 0, values, 0, count);
                }
            });
            writer.commit();
        }
    }
}
