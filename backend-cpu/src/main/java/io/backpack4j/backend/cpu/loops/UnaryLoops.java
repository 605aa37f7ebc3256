// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.backend.UnaryOperation;

/** Functions of one number, over an array in place. */
final class UnaryLoops {

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
}
