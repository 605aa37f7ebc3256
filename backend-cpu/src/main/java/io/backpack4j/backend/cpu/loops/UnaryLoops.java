// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.Scratch;
import io.backpack4j.spi.backend.UnaryOperation;

/** Functions of one number, over an array in place. */
final class UnaryLoops {

    private static final int INFINITY = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);
    private static final int ONE = Float.floatToRawIntBits(1);

    private UnaryLoops() {}

    static void apply(UnaryOperation operation, double[] x, int count) {
        switch (operation) {
            case NEGATE -> {
                for (int i = 0; i < count; i++) {
                    x[i] = -x[i];
                }
            }
            case ABS -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.abs(x[i]);
                }
            }
            case SIGN -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.signum(x[i]);
                }
            }
            case EXP -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.exp(x[i]);
                }
            }
            case LOG -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.log(x[i]);
                }
            }
            case LOG1P -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.log1p(x[i]);
                }
            }
            case EXPM1 -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.expm1(x[i]);
                }
            }
            case SQRT -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.sqrt(x[i]);
                }
            }
            case SQUARE -> {
                for (int i = 0; i < count; i++) {
                    x[i] = x[i] * x[i];
                }
            }
            case RECIPROCAL -> {
                for (int i = 0; i < count; i++) {
                    x[i] = 1 / x[i];
                }
            }
            case TANH -> {
                for (int i = 0; i < count; i++) {
                    x[i] = Math.tanh(x[i]);
                }
            }
            case POSITIVE -> {
                for (int i = 0; i < count; i++) {
                    x[i] = x[i] > 0 ? 1 : 0;
                }
            }
        }
    }

    /** Signs of single numbers, by their bits: many at a time. */
    static void sign(CpuTensor from, CpuTensor to) {
        int[] bits = Scratch.get().ints;
        for (long at = 0; at < from.elements; at += bits.length) {
            int count = (int) Math.min(bits.length, from.elements - at);
            from.block.get(from.at(at), bits, 0, count);
            sign(bits, count);
            to.block.put(to.at(at), bits, 0, count);
        }
    }

    /** One with the number's sign; zeros and what is no number stay. */
    private static void sign(int[] bits, int count) {
        for (int i = 0; i < count; i++) {
            int magnitude = bits[i] & 0x7FFFFFFF;
            // all ones if the magnitude is neither zero nor above infinity
            int changes = -magnitude & (magnitude - 1 - INFINITY);
            changes >>= 31;
            bits[i] = (bits[i] & (~changes | 0x80000000)) | (ONE & changes);
        }
    }
}
