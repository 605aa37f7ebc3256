// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend.portable;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Optional;

/** Sums of differences, made of plain operations: differences that nobody keeps are made a piece at a time. */
public final class PortableDifferences {

    /** How many elements of a difference that nobody keeps are there at a time. */
    private static final long PIECE = 1 << 16;

    private PortableDifferences() {}

    public static void measure(Backend backend, List<Difference> differences, Tensor destination) {
        for (int i = 0; i < differences.size(); i++) {
            try (TensorScope scope = backend.openScope()) {
                Tensor row = scope.rows(destination, i, i + 1);
                measure(backend, scope, differences.get(i), scope.view(row, Shape.of(2)));
            }
        }
    }

    private static void measure(Backend backend, TensorScope scope, Difference own, Tensor destination) {
        long elements = own.minuend().shape().elements();
        boolean kept = own.destination() != null || own.subtrahend() == null;
        long length = kept ? Math.max(1, elements) : PIECE;
        long pieces = Math.max(1, (elements + length - 1) / length);
        Shape flat = Shape.of(elements);
        Tensor minuend = scope.view(own.minuend(), flat);
        Optional<Tensor> subtrahend = Optional.ofNullable(own.subtrahend()).map(tensor -> scope.view(tensor, flat));
        Optional<Tensor> target = Optional.ofNullable(own.destination()).map(tensor -> scope.view(tensor, flat));
        Optional<Tensor> along = Optional.ofNullable(own.along()).map(tensor -> scope.view(tensor, flat));
        Tensor memory = kept ? minuend : scope.allocate(Shape.of(Math.min(length, elements)), minuend.dtype());
        Tensor sums = scope.allocate(Shape.of(2, pieces), minuend.dtype());
        backend.elementwise().fill(sums, 0);
        for (long piece = 0; piece < pieces; piece++) {
            long from = piece * length;
            long to = Math.min(elements, from + length);
            try (TensorScope step = backend.openScope()) {
                Tensor difference = step.rows(minuend, from, to);
                if (subtrahend.isPresent()) {
                    Tensor made =
                            target.isPresent() ? step.rows(target.get(), from, to) : step.rows(memory, 0, to - from);
                    backend.elementwise()
                            .combine(BinaryOperation.SUBTRACT, difference, step.rows(subtrahend.get(), from, to), made);
                    difference = made;
                } else if (target.isPresent()) {
                    backend.elementwise().copy(difference, target.get());
                }
                dot(backend, step, difference, difference, sums, piece);
                if (along.isPresent()) {
                    dot(backend, step, difference, step.rows(along.get(), from, to), sums, pieces + piece);
                }
            }
        }
        backend.reductions().total(scope.rows(sums, 0, 1), scope.view(scope.rows(destination, 0, 1), Shape.of()));
        backend.reductions().total(scope.rows(sums, 1, 2), scope.view(scope.rows(destination, 1, 2), Shape.of()));
    }

    private static void dot(Backend backend, TensorScope step, Tensor a, Tensor b, Tensor sums, long index) {
        Shape row = a.shape().prepend(1);
        Tensor all = step.view(sums, Shape.of(sums.shape().elements()));
        backend.contractions().rowDots(step.view(a, row), step.view(b, row), step.rows(all, index, index + 1));
    }
}
