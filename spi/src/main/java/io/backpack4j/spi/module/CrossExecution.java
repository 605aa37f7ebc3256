// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;

/**
 * Inner products of two derivatives of one parameter: by a form of their own where they have one, else over rows of
 * gradients, and else over gradients, of which as many as fit stand to the left while all others pass by.
 */
final class CrossExecution {

    /** How much memory gradients, or rows of them, may take on each side. */
    private static final long SIDE_BYTES = 9 << 20;

    private final ParameterDerivatives left;
    private final ParameterDerivatives right;
    private final Backend backend;
    private final DType dtype;
    private final long elements;

    CrossExecution(ParameterDerivatives left, ParameterDerivatives right) {
        this.left = left;
        this.right = right;
        this.backend = left.backend();
        this.dtype = left.dtype();
        this.elements = left.parameter().elements();
    }

    void add(boolean sameSample, Tensor destination) {
        if (left.addInnerProductsWith(right, sameSample, destination) || elements == 0) {
            return;
        }
        if (sameSample) {
            bySample(destination);
        } else if (!byRows(destination)) {
            byGradients(destination);
        }
    }

    private static long rows(ParameterDerivatives derivatives) {
        return derivatives.columns() * derivatives.samples();
    }

    /** Some samples at a time, the columns of each as rows of a matrix. */
    private void bySample(Tensor destination) {
        long samples = left.samples();
        long widest = Math.max(left.columns(), right.columns());
        long run = Math.max(1, Math.min(samples, SIDE_BYTES / Math.max(1, widest * elements * dtype.bytes())));
        for (long from = 0; from < samples; from += run) {
            long to = Math.min(samples, from + run);
            try (TensorScope scope = backend.openScope()) {
                Tensor lefts = samplesFirst(scope, left, from, to);
                Tensor rights = left == right ? lefts : samplesFirst(scope, right, from, to);
                backend.products().multiply(lefts, false, rights, true, 1, 1, scope.rows(destination, from, to));
            }
        }
    }

    /** {@code [samples, columns, P]}. */
    private Tensor samplesFirst(TensorScope scope, ParameterDerivatives derivatives, long from, long to) {
        long columns = derivatives.columns();
        Tensor byColumn = scope.allocate(derivatives.parameter().prepend(columns, to - from), dtype);
        derivatives.perSample(new Block(0, columns, from, to), byColumn);
        if (columns == 1) {
            return scope.view(byColumn, Shape.of(to - from, 1, elements));
        }
        Tensor bySample = scope.allocate(Shape.of(to - from, columns, elements), dtype);
        Tensor flat = scope.view(byColumn, Shape.of(columns, to - from, elements));
        backend.indexing().permute(flat, new int[] {1, 0, 2}, bySample);
        return bySample;
    }

    /** Σ over blocks of rows of ⟨rows, rows⟩: every element of a gradient is made once. */
    private boolean byRows(Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Optional<GradientRows> lefts = left.rows(scope);
            Optional<GradientRows> rights = left == right ? lefts : right.rows(scope);
            if (lefts.isEmpty()
                    || rights.isEmpty()
                    || lefts.get().count() != rights.get().count()) {
                return false;
            }
            long count = lefts.get().count();
            long width = elements / count;
            long bytes = Math.max(1, Math.max(rows(left), rows(right)) * width * dtype.bytes());
            long blocks = ceilDiv(count, Math.max(1, Math.min(count, SIDE_BYTES / bytes)));
            long block = ceilDiv(count, blocks);
            SymmetricPanels panels = left == right && SymmetricPanels.pay(rows(left))
                    ? new SymmetricPanels(backend, scope, rows(left), dtype)
                    : null;
            for (long from = 0; from < count; from += block) {
                long to = Math.min(count, from + block);
                try (TensorScope step = backend.openScope()) {
                    Tensor ofLeft = write(step, lefts.get(), left, from, to, width);
                    if (panels != null) {
                        panels.add(ofLeft);
                    } else {
                        Tensor ofRight = left == right ? ofLeft : write(step, rights.get(), right, from, to, width);
                        backend.products().multiply(ofLeft, false, ofRight, true, 1, 1, destination);
                    }
                }
            }
            if (panels != null) {
                panels.addTo(destination);
            }
            return true;
        }
    }

    private static long ceilDiv(long a, long b) {
        return (a + b - 1) / b;
    }

    private Tensor write(
            TensorScope scope, GradientRows rows, ParameterDerivatives derivatives, long from, long to, long width) {
        Tensor written = scope.allocate(Shape.of(rows(derivatives), to - from, width), dtype);
        rows.write(from, to, written);
        return scope.view(written, Shape.of(rows(derivatives), (to - from) * width));
    }

    private void byGradients(Tensor destination) {
        long most = Math.max(1, SIDE_BYTES / (elements * dtype.bytes()));
        if (rows(left) <= most && rows(right) <= most) {
            try (TensorScope scope = backend.openScope()) {
                Tensor lefts = all(scope, left);
                Tensor rights = left == right ? lefts : all(scope, right);
                backend.products().multiply(lefts, false, rights, true, 1, 1, destination);
            }
            return;
        }
        long run = Math.min(most, left.samples());
        for (long column = 0; column < left.columns(); column++) {
            for (long from = 0; from < left.samples(); from += run) {
                meetAll(new Block(column, column + 1, from, Math.min(left.samples(), from + run)), destination);
            }
        }
    }

    private Tensor all(TensorScope scope, ParameterDerivatives derivatives) {
        long columns = derivatives.columns();
        long samples = derivatives.samples();
        Tensor gradients = scope.allocate(derivatives.parameter().prepend(columns, samples), dtype);
        derivatives.perSample(new Block(0, columns, 0, samples), gradients);
        return scope.view(gradients, Shape.of(columns * samples, elements));
    }

    private void meetAll(Block block, Tensor destination) {
        try (TensorScope scope = backend.openScope()) {
            Tensor made = scope.allocate(left.parameter().prepend(1, block.samples()), dtype);
            left.perSample(block, made);
            Tensor lefts = scope.view(made, Shape.of(block.samples(), elements));
            long firstRow = block.fromColumn() * left.samples() + block.fromSample();
            Tensor target = scope.rows(destination, firstRow, firstRow + block.samples());
            right.tiles((other, gradients) -> {
                try (TensorScope step = backend.openScope()) {
                    Tensor rights = step.view(gradients, Shape.of(other.samples(), elements));
                    long firstColumn = other.fromColumn() * right.samples() + other.fromSample();
                    Region region = Region.all(target.shape()).with(1, firstColumn, other.samples());
                    Tensor sum = step.allocate(region.shape(), dtype);
                    backend.indexing().extract(target, region, sum);
                    backend.products().multiply(lefts, false, rights, true, 1, 1, sum);
                    backend.indexing().insert(sum, region, target);
                }
            });
        }
    }
}
