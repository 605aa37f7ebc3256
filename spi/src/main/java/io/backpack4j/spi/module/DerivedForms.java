// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Arrays;
import java.util.List;

/**
 * Contractions that follow from others: the trace from norms, inner products with a sum from the sum, one number from
 * moments.
 */
final class DerivedForms {

    private static final Operand SUMS = new Operand("the kernel", "sum over samples");

    private final ParameterDerivatives derivatives;
    private final Backend backend;
    private final long columns;
    private final long samples;

    DerivedForms(ParameterDerivatives derivatives) {
        this.derivatives = derivatives;
        this.backend = derivatives.backend();
        this.columns = derivatives.columns();
        this.samples = derivatives.samples();
    }

    /** Σ_v Σ_n w_vn ‖g_vn‖² from the norms. */
    PortableForm trace() {
        return new PortableForm.OfOthers(new Contraction.SquaredNorms(), (task, norms) -> {
            try (TensorScope scope = backend.openScope()) {
                Tensor destination = task.destination();
                Tensor sum = task.accumulate() ? scope.allocate(Shape.of(), derivatives.dtype()) : destination;
                if (task.operand() == null) {
                    backend.reductions().total(norms.get(0), sum);
                } else {
                    Shape row = Shape.of(1, columns * samples);
                    backend.contractions()
                            .rowDots(
                                    scope.view(norms.get(0), row),
                                    scope.view(task.operand(), row),
                                    scope.view(sum, Shape.of(1)));
                }
                if (task.accumulate()) {
                    backend.elementwise().addScaled(1, sum, destination);
                }
            }
        });
    }

    /** What a step makes of merged results, of those of one task. */
    PortableForm condensed(CondensedContraction condensed) {
        return new PortableForm.OfOthers(
                condensed.source(), (task, merged) -> condensed.step().condense(backend, merged, task.destination()));
    }

    /** ⟨g_vn, Σ_m g_vm⟩ from the sum of every column. */
    PortableForm dotWithSum() {
        return new PortableForm.OfOthers(
                new Contraction.Sum(), (task, sums) -> dotWithSums(sums.get(0), task.destination()));
    }

    /** Σ_n ‖g_n − mean‖² of one column, from norms and inner products with the sum, unless digits cancel. */
    PortableForm centredSquaredNorm() {
        return new PortableForm.OfOthers(
                List.of(new Contraction.SquaredNorms(), new Contraction.DotWithSum()), (task, results) -> {
                    double norms = Arrays.stream(results.get(0).toDoubleArray()).sum();
                    double[] dots = results.get(1).toDoubleArray();
                    if (!derivatives.centredSquaredNorm(norms, dots, task.destination())) {
                        derivatives.centredSquaredNormByMoments(task.destination());
                    }
                });
    }

    private void dotWithSums(Tensor sums, Tensor destination) {
        int count = Math.toIntExact(columns);
        var dot = new Contraction.Dot(SUMS, count);
        try (TensorScope scope = backend.openScope()) {
            Shape shape = Shape.of(columns, columns, samples);
            Tensor all = columns == 1 ? scope.view(destination, shape) : scope.allocate(shape, derivatives.dtype());
            derivatives.execute(List.of(new ContractionTask(dot, List.of(all), sums, false)));
            if (columns > 1) {
                // Every column with its own sum.
                Tensor flat = scope.view(all, Shape.of(columns * columns, samples));
                for (long column = 0; column < columns; column++) {
                    long own = column * (columns + 1);
                    Tensor target = scope.rows(destination, column, column + 1);
                    backend.elementwise().copy(scope.rows(flat, own, own + 1), target);
                }
            }
        }
    }
}
