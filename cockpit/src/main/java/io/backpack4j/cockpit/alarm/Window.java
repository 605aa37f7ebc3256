// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import java.util.ArrayDeque;
import java.util.Deque;

/** The last few numbers of a row. */
final class Window {

    private final int size;
    private final Deque<Double> numbers = new ArrayDeque<>();

    Window(int size) {
        this.size = size;
    }

    void add(double number) {
        if (numbers.size() == size) {
            numbers.removeFirst();
        }
        numbers.addLast(number);
    }

    boolean isFull() {
        return numbers.size() == size;
    }

    double mean() {
        return numbers.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
    }

    double median() {
        double[] sorted = sorted();
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }

    /** The mean of the first half, and that of the second. */
    double[] halves() {
        double[] sums = new double[2];
        int half = numbers.size() / 2;
        int i = 0;
        for (double number : numbers) {
            sums[i < half ? 0 : 1] += number;
            i++;
        }
        return new double[] {sums[0] / half, sums[1] / (numbers.size() - half)};
    }

    private double[] sorted() {
        return numbers.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    }
}
