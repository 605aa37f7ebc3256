package io.backpack4j.modules.linear;

import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;

/**
 * The curvature of a product: q = g ⊙ (all factors but i and j) couples equal elements of the inputs i and j, and with e for a unit vector
 * q (e_i e_jᵀ + e_j e_iᵀ) = q/2 (e_i + e_j)(e_i + e_j)ᵀ − q/2 (e_i − e_j)(e_i − e_j)ᵀ. For every pair of inputs come all columns of the first
 * kind, then all of the second.
 *
 * @param inputs the number of inputs
 * @param couplings q of every pair i &lt; j, in lexical order, each {@code [N, *in]}
 */
record MulCurvature(int inputs, List<Tensor> couplings) implements Curvature.Factor {

    MulCurvature {
        couplings = List.copyOf(couplings);
    }

    @Override
    public long columns() {
        return couplings.size() * 2L * elements();
    }

    @Override
    public Columns columns(EvaluationContext context, long from, long to) {
        Elementwise ops = context.backend().elementwise();
        Shape shape = couplings.get(0).shape();
        DType dtype = couplings.get(0).dtype();
        List<Tensor> vectors = new ArrayList<>();
        for (int input = 0; input < inputs; input++) {
            Tensor ofInput = context.scope().allocate(shape.prepend(to - from), dtype);
            ops.fill(ofInput, 0);
            vectors.add(ofInput);
        }
        Tensor weights = context.scope().allocate(Shape.of(to - from, shape.size(0)), dtype);
        Columns columns = new Columns(vectors, weights);
        for (long start = from; start < to; ) {
            long kind = start / elements();
            long end = Math.min(to, (kind + 1) * elements());
            write(context, kind, start, end, from, columns);
            start = end;
        }
        return columns;
    }

    /** Writes the columns {@code start} to {@code end}, all of one kind, behind those from {@code from} on. */
    private void write(EvaluationContext context, long kind, long start, long end, long from, Columns destination) {
        Elementwise ops = context.backend().elementwise();
        int pair = (int) (kind / 2);
        double sign = kind % 2 == 0 ? 1 : -1;
        int first = 0;
        int rest = pair;
        while (rest >= inputs - 1 - first) {
            rest -= inputs - 1 - first;
            first++;
        }
        int second = first + 1 + rest;
        try (TensorScope scope = context.backend().openScope()) {
            Columns units = Columns.ofDiagonal(
                    context.backend(), scope, couplings.get(pair), start - kind * elements(), end - kind * elements());
            Tensor unit = units.inputs().get(0);
            ops.copy(unit, scope.rows(destination.inputs().get(first), start - from, end - from));
            ops.affine(unit, sign, 0, scope.rows(destination.inputs().get(second), start - from, end - from));
            ops.affine(units.weights(), sign / 2, 0, scope.rows(destination.weights(), start - from, end - from));
        }
    }

    private long elements() {
        Shape shape = couplings.get(0).shape();
        return shape.elements(1, shape.rank());
    }
}
