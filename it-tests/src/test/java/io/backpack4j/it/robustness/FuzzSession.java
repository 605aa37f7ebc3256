// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.formats.SessionFile;
import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.loss.CrossEntropyLoss;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A saved session, to be damaged, and sessions that load it: an empty one, and one with a batch, which a file that is
 * refused must leave as it was.
 */
final class FuzzSession implements AutoCloseable {

    private static final List<Request<?>> REQUESTS = List.of(
            Request.of(new BatchL2Grad()),
            Request.of(new Variance()),
            Request.of(new DiagGGNExact()),
            Request.of(new KFAC()));

    private final BackPack backpack =
            BackPack.builder().backend("cpu").threads(1).build();
    private final Model model = backpack.model(
            Graph.sequential(new Linear(3, 2), new Sigmoid(), new Linear(2, 2)),
            new CrossEntropyLoss(),
            DType.FLOAT64,
            Shape.of(3));
    private final Batch saved = batch(0, 1, 2);
    private final Batch present = batch(10, 11);
    private final Path file;
    private final byte[] valid;
    private final Map<String, double[]> before;

    FuzzSession(Path directory) throws IOException {
        file = directory.resolve("session.safetensors");
        model.parameters().initialize(1);
        try (Session session = open()) {
            session.add(saved);
            SessionFile.save(session, file);
        }
        valid = Files.readAllBytes(file);
        Files.delete(file);
        try (Session session = open()) {
            session.add(present);
            before = results(session);
        }
    }

    private Batch batch(long... ids) {
        double[] inputs = new double[3 * ids.length];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = Math.sin(i + ids[0]);
        }
        return backpack.batch(DType.FLOAT64)
                .input(Graph.INPUT, Shape.of(ids.length, 3), inputs)
                .targets(Shape.of(ids.length), new long[ids.length])
                .sampleIds(ids)
                .build();
    }

    private Session open() {
        return backpack.session(model, REQUESTS, SessionOptions.DEFAULT.keepOutputs());
    }

    /** A file without damage. */
    byte[] valid() {
        return valid.clone();
    }

    /** Loads a file into both sessions. Returns why it was refused, or nothing. */
    String load(byte[] bytes) throws IOException {
        Files.write(file, bytes);
        long open = backpack.backend().memory().openTensors();
        String refused = "";
        try (Session empty = open();
                Session filled = open()) {
            filled.add(present);
            try {
                SessionFile.load(empty, file);
                results(empty);
            } catch (BackpackException e) {
                refused = String.valueOf(e.getMessage());
            }
            long samples = filled.samples();
            try {
                SessionFile.load(filled, file);
            } catch (BackpackException e) {
                assertThat(refused).as("why an empty session refuses the file").isNotEmpty();
                assertThat(filled.samples()).isEqualTo(samples);
                Map<String, double[]> after = results(filled);
                assertThat(after.keySet()).isEqualTo(before.keySet());
                before.forEach(
                        (name, values) -> assertThat(after.get(name)).as(name).isEqualTo(values));
            }
        } finally {
            Files.delete(file);
        }
        assertThat(backpack.backend().memory().openTensors()).as("open tensors").isEqualTo(open);
        return refused;
    }

    private static Map<String, double[]> results(Session session) {
        Map<String, double[]> arrays = new TreeMap<>();
        try (Results results = session.results()) {
            results.tensors().forEach((name, tensor) -> arrays.put(name, tensor.toDoubleArray()));
        }
        arrays.forEach((name, values) -> {
            for (double value : values) {
                assertThat(value).as(name).isFinite();
            }
        });
        return arrays;
    }

    @Override
    public void close() {
        saved.close();
        present.close();
        model.close();
        backpack.close();
    }
}
