// SPDX-License-Identifier: Apache-2.0
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
 * The curvature of a function that makes every element of its output of one element of each input, such as a product.
 * Element o of the output couples the elements of the inputs i and j that it is made of by q, and with e for a unit
 * vector there q (e_i e_jᵀ + e_j e_iᵀ) = q/2 (e_i + e_j)(e_i + e_j)ᵀ − q/2 (e_i − e_j)(e_i − e_j)ᵀ. For every coupling
 * come all columns of the first kind, then all of the second; a coupling of an input with itself is q e_i e_iᵀ, of one
 * kind.
 *
 * @param inputs one sample's inputs, which stretch to the output
 * @param couplings at least one
 */
record CouplingCurvature(List<Shape> inputs, List<Coupling> couplings) implements Curvature.Factor {

    /**
     * How two inputs are coupled.
     *
     * @param first an input
     * @param second another input, or the same
     * @param strength q, {@code [N, *out]}
     */
    record Coupling(int first, int second, Tensor strength) {

        private int kinds() {
            return first == second ? 1 : 2;
        }
    }

    CouplingCurvature {
        inputs = List.copyOf(inputs);
        couplings = List.copyOf(couplings);
    }

    @Override
    public long columns() {
        return couplings.stream().mapToInt(Coupling::kinds).sum() * elements();
    }

    @Override
    public Columns columns(EvaluationContext context, long from, long to) {
        Elementwise ops = context.backend().elementwise();
        Shape shape = couplings.get(0).strength().shape();
        DType dtype = couplings.get(0).strength().dtype();
        List<Tensor> vectors = new ArrayList<>();
        for (Shape input : inputs) {
            Tensor ofInput = context.scope().allocate(input.prepend(to - from, shape.size(0)), dtype);
            ops.fill(ofInput, 0);
            vectors.add(ofInput);
        }
        Columns columns = new Columns(vectors, context.scope().allocate(Shape.of(to - from, shape.size(0)), dtype));
        long begin = 0;
        for (Coupling coupling : couplings) {
            for (int kind = 0; kind < coupling.kinds(); kind++) {
                long end = begin + elements();
                long start = Math.max(from, begin);
                long stop = Math.min(to, end);
                if (start < stop) {
                    write(context, coupling, kind == 0 ? 1 : -1, start - begin, stop - begin, start - from, columns);
                }
                begin = end;
            }
        }
        return columns;
    }

    /**
     * Writes columns of one kind, for the elements {@code start} to {@code stop} of the output, from column {@code at}
     * on.
     */
    private void write(
            EvaluationContext context,
            Coupling coupling,
            double sign,
            long start,
            long stop,
            long at,
            Columns destination) {
        Elementwise ops = context.backend().elementwise();
        long end = at + stop - start;
        try (TensorScope scope = context.backend().openScope()) {
            Columns units = Columns.ofDiagonal(context.backend(), scope, coupling.strength(), start, stop);
            Tensor unit = units.inputs().get(0);
            Tensor weights = scope.rows(destination.weights(), at, end);
            ops.copy(
                    Broadcast.reduced(context, scope, unit, inputs.get(coupling.first())),
                    scope.rows(destination.inputs().get(coupling.first()), at, end));
            if (coupling.first() == coupling.second()) {
                ops.copy(units.weights(), weights);
                return;
            }
            ops.affine(
                    Broadcast.reduced(context, scope, unit, inputs.get(coupling.second())),
                    sign,
                    0,
                    scope.rows(destination.inputs().get(coupling.second()), at, end));
            ops.affine(units.weights(), sign / 2, 0, weights);
        }
    }

    private long elements() {
        Shape shape = couplings.get(0).strength().shape();
        return shape.elements(1, shape.rank());
    }
}
