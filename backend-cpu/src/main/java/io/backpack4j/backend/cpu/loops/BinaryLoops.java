// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.spi.backend.BinaryOperation;

/** Functions of two numbers, over arrays; the result replaces the first. */
final class BinaryLoops {

    private BinaryLoops() {}

    static void apply(BinaryOperation operation, double[] a, double[] b, int count) {
        switch (operation) {
            case ADD -> {
                for (int i = 0; i < count; i++) {
                    a[i] += b[i];
                }
            }
            case SUBTRACT -> {
                for (int i = 0; i < count; i++) {
                    a[i] -= b[i];
                }
            }
            case MULTIPLY -> {
                for (int i = 0; i < count; i++) {
                    a[i] *= b[i];
                }
            }
            case DIVIDE -> {
                for (int i = 0; i < count; i++) {
                    a[i] /= b[i];
                }
            }
            case MAXIMUM -> {
                for (int i = 0; i < count; i++) {
                    a[i] = Math.max(a[i], b[i]);
                }
            }
            case MINIMUM -> {
                for (int i = 0; i < count; i++) {
                    a[i] = Math.min(a[i], b[i]);
                }
            }
        }
    }
}
