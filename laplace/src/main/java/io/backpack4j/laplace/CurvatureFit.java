// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.DataSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Makes curvature of the batches of some data, of a model whose loss is a sum. */
final class CurvatureFit {

    /** A full matrix takes the square of the parameters, and its eigenvectors the cube. */
    static final int MOST_FULL = 4096;

    private static final String NAME = "laplace";

    private final BackPack backpack;
    private final Model summed;
    private final DataSource data;
    private final List<String> names;
    private final List<Curvature.ParameterSize> sizes;
    private final int batch;
    private final PassOptions pass;

    /**
     * Curvature and the loss.
     *
     * @param loss summed over samples
     */
    record Fitted(Curvature curvature, double loss) {}

    CurvatureFit(BackPack backpack, Model summed, DataSource data, List<String> names, int batch, PassOptions pass) {
        this.backpack = backpack;
        this.summed = summed;
        this.data = data;
        this.names = names;
        this.sizes = FittedModel.sizes(summed, names);
        this.batch = batch;
        this.pass = pass;
    }

    Fitted of(Structure structure, int rank) {
        return switch (structure) {
            case DIAG -> session(structure, "DiagGGNExact", Map.of());
            case KRON -> session(structure, "KFLR", Map.of("convention", "expand"));
            case FULL -> full();
            case LOW_RANK -> lowRank(rank);
        };
    }

    private Request<?> request(String type, Map<String, ?> options) {
        Extension<?> extension = backpack.catalog().extension(type, options);
        return Request.of(extension).as(NAME).only(names.toArray(new String[0]));
    }

    private void forEachBatch(Consumer<Batch> consumer) {
        for (long from = 0; from < data.samples(); from += batch) {
            long[] numbers = LongStream.range(from, Math.min(data.samples(), from + batch))
                    .toArray();
            try (Batch samples = data.read(numbers, 1).upload(backpack, summed.dtype())) {
                consumer.accept(samples);
            }
        }
    }

    private Fitted session(Structure structure, String type, Map<String, ?> options) {
        try (Session session =
                backpack.session(summed, List.of(request(type, options)), SessionOptions.DEFAULT.pass(pass))) {
            forEachBatch(session::add);
            try (Results results = session.results()) {
                Map<String, Numbers> found = new LinkedHashMap<>();
                SortedMap<String, Tensor> tensors = results.tensors();
                for (String name : names) {
                    add(found, name + "/diagonal", tensors.get(name + "/" + NAME));
                    add(found, name + KroneckerCurvature.OUTPUT, tensors.get(name + "/" + NAME + "/0"));
                    add(found, name + KroneckerCurvature.INPUT, tensors.get(name + "/" + NAME + "/1"));
                }
                return new Fitted(Curvature.of(backpack.backend(), structure, sizes, found), results.loss());
            }
        }
    }

    private static void add(Map<String, Numbers> found, String name, @Nullable Tensor tensor) {
        if (tensor != null) {
            found.put(name, Numbers.of(tensor));
        }
    }

    private Fitted full() {
        int size = sizes.stream().mapToInt(Curvature.ParameterSize::elements).sum();
        if (size > MOST_FULL) {
            throw new BackpackException(
                    LaplaceProblems.INVALID_LAPLACE,
                    "A full matrix of %d parameters has %d rows and as many columns; at most %d are possible. Take LOW_RANK, KRON or DIAG, or fewer parameters, such as lastLayer()."
                            .formatted(size, size, MOST_FULL));
        }
        double[] loss = {0};
        try (TensorScope scope = backpack.backend().openScope()) {
            Tensor matrix = scope.allocate(Shape.of(size, size), DType.FLOAT64);
            backpack.backend().elementwise().fill(matrix, 0);
            forEachBatch(samples -> {
                Numbers roots = roots(samples, loss);
                try (TensorScope inner = backpack.backend().openScope()) {
                    Tensor rows = roots.on(inner, DType.FLOAT64);
                    backpack.backend().products().multiply(rows, true, rows, false, 1, 1, matrix);
                }
            });
            return new Fitted(EigenCurvature.ofMatrix(backpack.backend(), sizes, size, Numbers.of(matrix)), loss[0]);
        }
    }

    private Fitted lowRank(int rank) {
        double[] loss = {0};
        EigenCurvature[] curvature = {EigenCurvature.none(sizes, rank)};
        forEachBatch(samples -> curvature[0] = curvature[0].with(backpack.backend(), roots(samples, loss)));
        return new Fitted(curvature[0], loss[0]);
    }

    /** The columns of the matrix's root, {@code [V·N, D]}. */
    private Numbers roots(Batch samples, double[] loss) {
        List<Request<?>> requests = List.of(request("SqrtGGNExact", Map.of()));
        int size = sizes.stream().mapToInt(Curvature.ParameterSize::elements).sum();
        try (Results results = backpack.compute(summed, samples, requests, pass)) {
            loss[0] += results.loss();
            double[] rows = new double[0];
            int offset = 0;
            for (Curvature.ParameterSize part : sizes) {
                Tensor tensor = Objects.requireNonNull(results.tensors().get(part.name() + "/" + NAME));
                double[] values = tensor.toDoubleArray();
                int count = values.length / part.elements();
                if (offset == 0) {
                    rows = new double[Math.multiplyExact(count, size)];
                }
                for (int i = 0; i < count; i++) {
                    System.arraycopy(values, i * part.elements(), rows, i * size + offset, part.elements());
                }
                offset += part.elements();
            }
            return new Numbers(Shape.of(rows.length / size, size), rows);
        }
    }
}
