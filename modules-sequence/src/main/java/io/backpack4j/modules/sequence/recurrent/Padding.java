// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import static io.backpack4j.spi.backend.BinaryOperation.MULTIPLY;

import io.backpack4j.modules.sequence.SequenceProblems;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Elementwise;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * Which steps of sequences of unequal lengths count.
 *
 * @param bySample 1 up to a sequence's end and 0 behind it, {@code [N, T, 1]}
 * @param byTime the same as {@code [T, N, 1]}
 * @param behind 1 − that
 */
record Padding(Tensor bySample, Tensor byTime, Tensor behind) {

    /**
     * Reads lengths. What is allocated does not depend on them, for a plan counts it before they are known.
     *
     * @param lengths INT64 {@code [N]}
     */
    static Padding of(EvaluationContext context, String type, Tensor lengths, long steps, DType dtype) {
        long[] numbers = lengths.toLongArray();
        int count = Math.toIntExact(steps);
        double[] bySample = new double[numbers.length * count];
        double[] byTime = new double[bySample.length];
        double[] behind = new double[bySample.length];
        for (int n = 0; n < numbers.length; n++) {
            if (numbers[n] < 0 || numbers[n] > steps) {
                throw new BackpackException(
                        SequenceProblems.INDEX_OUT_OF_RANGE,
                        "%s was given %d steps, but the length of sample %d is %d. Lengths go from 0 to the number of steps."
                                .formatted(type, steps, context.sampleIds()[n], numbers[n]));
            }
            for (int t = 0; t < count; t++) {
                boolean counts = t < numbers[n];
                bySample[n * count + t] = counts ? 1 : 0;
                byTime[t * numbers.length + n] = counts ? 1 : 0;
                behind[t * numbers.length + n] = counts ? 0 : 1;
            }
        }
        Backend backend = context.backend();
        TensorScope scope = context.scope();
        Shape ofTime = Shape.of(steps, numbers.length, 1);
        return new Padding(
                backend.upload(scope, Shape.of(numbers.length, steps, 1), dtype, bySample),
                backend.upload(scope, ofTime, dtype, byTime),
                backend.upload(scope, ofTime, dtype, behind));
    }

    /** Zero behind the end: {@code [*, N, T, F]} in a tensor of its own. */
    Tensor cleared(Backend backend, TensorScope target, Tensor sequences) {
        Tensor cleared = target.allocate(sequences.shape(), sequences.dtype());
        backend.elementwise().combine(MULTIPLY, sequences, bySample, cleared);
        return cleared;
    }

    /**
     * Keeps the last state behind the end.
     *
     * @param last {@code [*, N, H]}
     * @param next {@code [*, N, H]}, overwritten where the end has passed
     */
    void carry(Backend backend, long time, Tensor last, Tensor next) {
        Elementwise ops = backend.elementwise();
        try (TensorScope scope = backend.openScope()) {
            Tensor kept = scope.allocate(last.shape(), last.dtype());
            ops.combine(MULTIPLY, last, Moving.at(scope, behind, time), kept);
            ops.combine(MULTIPLY, next, Moving.at(scope, byTime, time), next);
            ops.addScaled(1, kept, next);
        }
    }

    /** What comes back to the steps that count. */
    Moving counting(Terms terms, long time, Moving cotangents) {
        return terms.product(cotangents, Moving.still(Moving.at(terms.scope(), byTime, time)));
    }

    /** What comes back past the others. */
    Moving passing(Terms terms, long time, Moving cotangents) {
        return terms.product(cotangents, Moving.still(Moving.at(terms.scope(), behind, time)));
    }
}
