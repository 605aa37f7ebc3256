// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/** The sum of unreduced losses, in double precision, with its rounding errors (Knuth's TwoSum). */
final class LossTotal {

    private static final String NAME = "loss:total";

    private double sum;
    private double compensation;

    void add(Tensor losses) {
        for (double loss : losses.toDoubleArray()) {
            add(loss);
        }
    }

    void add(double value) {
        double total = sum + value;
        double z = total - sum;
        compensation += (sum - (total - z)) + (value - z);
        sum = total;
    }

    void add(LossTotal other) {
        add(other.sum);
        add(other.compensation);
    }

    double value() {
        return sum + compensation;
    }

    Map<String, SessionState.Numbers> state() {
        return Map.of(NAME, HostNumbers.vector(sum, compensation));
    }

    static LossTotal of(SessionState state) {
        SessionState.Numbers numbers = StateReader.numbers(state, NAME);
        StateReader.require(numbers.shape().rank() == 1 && numbers.shape().elements() == 2, NAME, numbers);
        double[] values = new double[2];
        numbers.read(0, values, 0, 2);
        LossTotal total = new LossTotal();
        total.sum = values[0];
        total.compensation = values[1];
        return total;
    }
}
