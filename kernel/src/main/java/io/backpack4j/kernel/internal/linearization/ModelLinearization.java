// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.linearization;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.kernel.internal.calls.BackendCalls;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Checks what it is given and hands it on. Owns handles on the batch's numbers. */
public final class ModelLinearization implements Linearization {

    private final PassLayout layout;
    private final Backend backend;
    private final Set<CurvatureMatrix> matrices;
    private final Map<String, Shape> parameters;
    private final Shape outputShape;
    private final double normaliser;
    private final TensorScope scope;
    private final LinearizedBatch batch;
    private boolean closed;

    public ModelLinearization(
            PassLayout layout, Splitting splitting, Backend backend, PassInputs given, Set<CurvatureMatrix> matrices) {
        this.layout = layout;
        this.backend = backend;
        this.matrices = Set.copyOf(matrices);
        this.parameters = new LinkedHashMap<>();
        for (SiteLayout site : layout.sites()) {
            parameters.put(site.parameter(), site.shape());
        }
        this.outputShape = layout.graph().outputShape().prepend(layout.samples());
        this.scope = backend.openScope();
        boolean done = false;
        try {
            PassInputs inputs = given.keptIn(scope);
            this.normaliser = layout.loss().normaliser(outputShape, inputs.targets());
            this.batch = new LinearizedBatch(layout, splitting, backend, inputs, normaliser, matrices, null);
            done = true;
        } finally {
            if (!done) {
                scope.close();
            }
        }
    }

    @Override
    public Map<String, Shape> parameters() {
        return Collections.unmodifiableMap(parameters);
    }

    @Override
    public Shape outputShape() {
        return outputShape;
    }

    @Override
    public DType dtype() {
        return layout.dtype();
    }

    @Override
    public double normaliser() {
        return normaliser;
    }

    @Override
    public void pushforward(Map<String, Tensor> tangents, Tensor destination) {
        requireOpen();
        long columns = columns(tangents);
        checkOutput("The destination of the Jacobian product", destination, columns);
        BackendCalls.run(backend, "The Jacobian product", () -> batch.pushforward(tangents, destination));
    }

    @Override
    public void pullback(Tensor cotangents, Map<String, Tensor> destinations) {
        requireOpen();
        checkOutput("The cotangents of the outputs", cotangents, columns(destinations));
        BackendCalls.run(backend, "The transposed Jacobian product", () -> batch.pullback(cotangents, destinations));
    }

    @Override
    public void multiply(
            CurvatureMatrix matrix, double scale, Map<String, Tensor> tangents, Map<String, Tensor> destinations) {
        requireOpen();
        if (!matrices.contains(matrix)) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_MATRIX,
                    "The network was not linearised for %s. It was for: %s.".formatted(matrix, matrices));
        }
        long columns = columns(tangents);
        if (columns != columns(destinations)) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "There are %d vectors, but destinations for %d.".formatted(columns, columns(destinations)));
        }
        BackendCalls.run(
                backend, "The product with " + matrix, () -> batch.multiply(matrix, scale, tangents, destinations));
    }

    private long columns(Map<String, Tensor> vectors) {
        return VectorChecks.columns(backend, layout.dtype(), parameters, vectors);
    }

    private void checkOutput(String what, Tensor tensor, long columns) {
        Problems problems = new Problems();
        VectorChecks.tensor(backend, what, tensor, outputShape.prepend(columns), layout.dtype(), problems);
        problems.throwIfAny();
    }

    private void requireOpen() {
        if (closed) {
            throw new BackpackException(KernelProblems.CLOSED, "The linearisation was closed. Make another one.");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            batch.close();
            scope.close();
        }
    }
}
