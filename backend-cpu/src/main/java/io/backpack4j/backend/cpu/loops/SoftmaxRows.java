// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Scratch;

/** The two loops of log-softmax over rows of single precision that fit into the scratch arrays. */
final class SoftmaxRows {

    private SoftmaxRows() {}

    /**
     * destination = x − the maximum of its row. Maxima are those of integers in the order of the numbers, which take no
     * branches: those of short rows are hard to predict. A NaN with a sign counts as the least, so a row's other numbers
     * may stay numbers here; its sum of exponentials is NaN then.
     */
    static void subtractMaxima(CpuTensor x, int length, CpuTensor destination) {
        Scratch scratch = Scratch.get();
        int[] bits = scratch.ints;
        float[] differences = scratch.floats;
        int together = Scratch.CHUNK / length * length;
        for (long done = 0; done < x.elements; done += together) {
            int count = (int) Math.min(together, x.elements - done);
            x.block.get(x.at(done), bits, 0, count);
            for (int row = 0; row < count; row += length) {
                int largest = Integer.MIN_VALUE;
                for (int i = row; i < row + length; i++) {
                    largest = Math.max(largest, ordered(bits[i]));
                }
                float maximum = Float.intBitsToFloat(ordered(largest));
                for (int i = row; i < row + length; i++) {
                    differences[i] = Float.intBitsToFloat(bits[i]) - maximum;
                }
            }
            destination.block.put(destination.at(done), differences, 0, count);
        }
    }

    /** Turns bits of numbers into integers of the same order, and back. */
    private static int ordered(int bits) {
        return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    }

    /** destination −= log Σ exponentials of its row, in double precision. */
    static void subtractLogarithms(CpuTensor exponentials, int length, CpuTensor destination) {
        Scratch scratch = Scratch.get();
        float[] terms = scratch.floats;
        float[] values = scratch.moreFloats;
        int together = Scratch.CHUNK / length * length;
        for (long done = 0; done < exponentials.elements; done += together) {
            int count = (int) Math.min(together, exponentials.elements - done);
            exponentials.block.get(exponentials.at(done), terms, 0, count);
            destination.block.get(destination.at(done), values, 0, count);
            for (int row = 0; row < count; row += length) {
                double sum = 0;
                for (int i = row; i < row + length; i++) {
                    sum += terms[i];
                }
                double logarithm = Math.log(sum);
                for (int i = row; i < row + length; i++) {
                    values[i] = (float) (values[i] - logarithm);
                }
            }
            destination.block.put(destination.at(done), values, 0, count);
        }
    }
}
