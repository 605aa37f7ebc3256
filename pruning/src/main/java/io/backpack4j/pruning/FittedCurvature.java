// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.pruning;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.Session;
import io.backpack4j.kernel.SessionOptions;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureBlock;
import io.backpack4j.spi.extension.CurvatureExtension;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import io.backpack4j.training.data.DataSource;
import io.backpack4j.training.data.SampledBatches;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Blocks of the curvature of a model's loss over a data set, one per trained parameter, and the parameters' numbers at
 * which they were made. Owns copies of the blocks, on the backend. Used by one thread at a time.
 */
public final class FittedCurvature implements AutoCloseable {

    private final Backend backend;
    private final TensorScope scope;
    private final Map<String, CurvatureBlock> blocks = new LinkedHashMap<>();
    private final Map<String, double[]> values = new LinkedHashMap<>();

    private FittedCurvature(Backend backend) {
        this.backend = backend;
        this.scope = backend.openScope();
    }

    /**
     * Makes one pass over the data, modules being in {@link Mode#EVAL}. The curvature is that of the loss as it is
     * reduced.
     *
     * @param curvature such as DiagGGNExact or KFLR
     * @param data stays the caller's, not needed afterwards
     * @param batch samples per pass, at least 1; changes no number beyond rounding
     */
    public static <R> FittedCurvature fit(
            BackPack backpack, Model model, CurvatureExtension<R> curvature, DataSource data, int batch) {
        FittedCurvature fitted = new FittedCurvature(backpack.backend());
        try (Session session = session(backpack, model, Request.of(curvature), data, batch);
                Results results = session.results()) {
            for (String parameter : model.parameters().trainable()) {
                var spec = model.parameters().spec(parameter);
                var site = new CurvatureExtension.Site(backpack.backend(), parameter, spec.shape(), spec.kronecker());
                CurvatureBlock block = curvature.blockOf(site, curvature.export(results.get(curvature, parameter)));
                fitted.blocks.put(parameter, block.copy(fitted.scope));
                fitted.values.put(parameter, model.parameters().get(parameter).toDoubleArray());
            }
            return fitted;
        } catch (RuntimeException | Error e) {
            fitted.close();
            throw e;
        }
    }

    /** A session that has all data, which the caller closes. */
    static Session session(BackPack backpack, Model model, Request<?> request, DataSource data, int batch) {
        if (batch < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "The number of samples per batch is %d, but must be at least 1.".formatted(batch));
        }
        SampledBatches batches = new SampledBatches(data, batch, false, false, 0);
        SessionOptions options = SessionOptions.DEFAULT.pass(PassOptions.DEFAULT.mode(Mode.EVAL));
        Session session = backpack.session(model, List.of(request), options);
        try {
            for (long number = 0; number < batches.perEpoch(); number++) {
                try (Batch samples = batches.read(1, number).upload(backpack, model.dtype())) {
                    session.add(samples);
                }
            }
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    /** The parameters, in the order of the network. */
    public List<String> parameters() {
        return List.copyOf(blocks.keySet());
    }

    /** The shape of a parameter. */
    Shape shape(String parameter) {
        return block(parameter).parameter();
    }

    /** The numbers at which the curvature was made. */
    double[] values(String parameter) {
        return Objects.requireNonNull(values.get(parameter), parameter);
    }

    /**
     * The block of a parameter, which this owns.
     *
     * @throws BackpackException if there is none
     */
    public CurvatureBlock block(String parameter) {
        CurvatureBlock block = blocks.get(parameter);
        if (block == null) {
            throw new BackpackException(
                    CommonProblems.UNKNOWN_PARAMETER,
                    "There is no curvature of parameter '%s'. There is of: %s."
                            .formatted(parameter, String.join(", ", blocks.keySet())));
        }
        return block;
    }

    /** The diagonal of a diagonal block: that whose only tensor has the parameter's shape. Nothing for others. */
    Optional<double[]> diagonal(String parameter) {
        CurvatureBlock block = block(parameter);
        List<Tensor> tensors = List.copyOf(block.tensors().values());
        if (tensors.size() != 1 || !tensors.get(0).shape().equals(block.parameter())) {
            return Optional.empty();
        }
        double[] ones = new double[Math.toIntExact(block.parameter().elements())];
        Arrays.fill(ones, 1);
        return Optional.of(multiply(block, 1, ones));
    }

    /** ½ δᵀ B δ of one parameter. */
    double halfSquare(String parameter, double... delta) {
        double[] product = multiply(block(parameter), 1, delta);
        double sum = 0;
        for (int i = 0; i < delta.length; i++) {
            sum += delta[i] * product[i];
        }
        return sum / 2;
    }

    /**
     * block · vectors.
     *
     * @param vectors {@code [count, *p]}, row-major
     */
    double[] multiply(CurvatureBlock block, int count, double... vectors) {
        try (TensorScope temporary = backend.openScope()) {
            var dtype = block.tensors().values().iterator().next().dtype();
            Tensor rows = backend.upload(temporary, block.parameter().prepend(count), dtype, vectors);
            return block.multiply(temporary, rows).toDoubleArray();
        }
    }

    /** Opens a scope of the backend. */
    TensorScope openScope() {
        return backend.openScope();
    }

    /** Returns the memory. */
    @Override
    public void close() {
        scope.close();
    }
}
