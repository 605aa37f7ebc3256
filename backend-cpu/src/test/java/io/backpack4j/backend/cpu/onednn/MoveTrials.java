// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.GuardedMemory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Trials of reorders: permutations, boxes out of and into planes, blocks of matrices. */
final class MoveTrials {

    private MoveTrials() {}

    static Optional<DnnlTrial> permutation(Random random) {
        long[] sizes = sizes(random, 1 + random.nextInt(6));
        List<Integer> order = new ArrayList<>();
        for (int axis = 0; axis < sizes.length; axis++) {
            order.add(axis);
        }
        Collections.shuffle(order, random);
        long[] strides = new long[sizes.length];
        long step = 1;
        for (int axis : order) {
            strides[axis] = step;
            step *= sizes[axis];
        }
        Layout permuted = new Layout(sizes, strides);
        return random.nextBoolean()
                ? trial("permutation", random, permuted, Layout.dense(sizes))
                : trial("permutation", random, Layout.dense(sizes), permuted);
    }

    /** Boxes within larger ones, with steps; the last axes are channels in most. */
    static Optional<DnnlTrial> box(Random random) {
        long[] sizes = sizes(random, 2 + random.nextInt(4));
        Layout dense = Layout.dense(sizes);
        Layout from = spread(random, sizes);
        return switch (random.nextInt(3)) {
            case 0 -> trial("box", random, from, dense);
            case 1 -> trial("box", random, dense, from);
            default -> trial("box", random, from, spread(random, sizes));
        };
    }

    /** A matrix's block to its mirror image in the same memory is the same as to another. */
    static Optional<DnnlTrial> mirror(Random random) {
        long rows = TrialNumbers.size(random, 130);
        long columns = TrialNumbers.size(random, 130);
        long length = Math.max(rows, columns) + TrialNumbers.size(random, 50);
        long[] sizes = {columns, rows};
        return trial(
                "mirror", random, new Layout(sizes, new long[] {1, length}), new Layout(sizes, new long[] {length, 1}));
    }

    private static Layout spread(Random random, long[] sizes) {
        long[] strides = new long[sizes.length];
        long step = 1;
        for (int axis = sizes.length - 1; axis >= 0; axis--) {
            if (axis < sizes.length - 1 && random.nextInt(2) == 0) {
                step += random.nextInt(3) * TrialNumbers.size(random, 9);
                step *= TrialNumbers.one(random, 1, 1, 2, 3);
            }
            strides[axis] = step;
            step *= sizes[axis];
        }
        return new Layout(sizes, strides);
    }

    private static long[] sizes(Random random, int rank) {
        long[] sizes = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            sizes[axis] = TrialNumbers.size(random, rank < 3 ? 300 : rank < 5 ? 40 : 9);
        }
        return sizes;
    }

    private static Optional<DnnlTrial> trial(String kind, Random random, Layout from, Layout to) {
        int most = GuardedMemory.CAPACITY / Float.BYTES;
        if (TrialNumbers.span(from) > most || TrialNumbers.span(to) > most) {
            return Optional.empty();
        }
        float[] source = TrialNumbers.spread(random, from);
        double[] target = TrialNumbers.filled(TrialNumbers.span(to), Double.NaN);
        for (int i = 0; i < TrialNumbers.count(from); i++) {
            target[TrialNumbers.place(to, i)] = source[TrialNumbers.place(from, i)];
        }
        var trial = new DnnlTrial(kind, ProductTrials.text(from) + " -> " + ProductTrials.text(to));
        return Optional.of(trial.step(
                DnnlRecipes.reorder(from, to),
                trial.given("source", source),
                trial.made("target", target, TrialNumbers.filled(target.length, 0))));
    }
}
