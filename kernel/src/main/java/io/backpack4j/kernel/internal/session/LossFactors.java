// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Factors that the loss had in the batches so far. Those of two equal numbers of batches are joined, as digits of a
 * binary number are carried, so that they are at most 64, and each was rounded as often as the number of batches has
 * digits.
 */
final class LossFactors {

    static final int LEVELS = 64;

    private static final String NAME = "normalisers";
    private static final String OF_LEVELS = StateReader.name(NAME, "levels");
    private static final String COUNT = StateReader.name(NAME, "count");

    /** Every batch's, as states of the first version have them. */
    private static final String OF_BATCHES = StateReader.name(NAME, "batches");

    private final Loss loss;
    private final double[] ofLevels = new double[LEVELS];
    private long batches;

    LossFactors(Loss loss) {
        this.loss = loss;
    }

    long batches() {
        return batches;
    }

    void add(double factor) {
        carry(factor, 0);
        batches++;
    }

    void addAll(LossFactors other) {
        for (int level = 0; level < LEVELS; level++) {
            if (other.ofLevels[level] != 0) {
                carry(other.ofLevels[level], level);
            }
        }
        batches += other.batches;
    }

    private void carry(double factor, int from) {
        double carried = factor;
        int level = from;
        while (ofLevels[level] != 0) {
            carried = joined(ofLevels[level], carried);
            ofLevels[level] = 0;
            level = Math.min(level + 1, LEVELS - 1);
        }
        ofLevels[level] = carried;
    }

    /** The factor of all batches. */
    double ofAll() {
        return joined(Arrays.stream(ofLevels).filter(factor -> factor != 0).toArray());
    }

    private double joined(double... factors) {
        return PluginCalls.call(Part.of(loss), "in its factor", () -> loss.normaliserOfAll(factors));
    }

    /** Numbers by their names in a state. */
    Map<String, SessionState.Numbers> state() {
        Map<String, SessionState.Numbers> numbers = new LinkedHashMap<>();
        numbers.put(OF_LEVELS, HostNumbers.vector(ofLevels.clone()));
        numbers.put(COUNT, HostNumbers.scalar(batches));
        return numbers;
    }

    static LossFactors of(SessionState state, Loss loss) {
        LossFactors factors = new LossFactors(loss);
        if (state.tensors().containsKey(OF_BATCHES)) {
            for (double factor : read(state, OF_BATCHES)) {
                require(factor > 0, factor);
                factors.add(factor);
            }
            return factors;
        }
        double[] levels = read(state, OF_LEVELS);
        for (int level = 0; level < levels.length; level++) {
            require(levels[level] >= 0 && level < LEVELS, levels[level]);
            factors.ofLevels[level] = levels[level];
        }
        factors.batches = StateReader.count(state, COUNT);
        if (Arrays.stream(levels).allMatch(factor -> factor == 0) != (factors.batches == 0)) {
            throw new BackpackException(
                    KernelProblems.INVALID_STATE,
                    "The session's state has the factors %s of the loss in '%s', but %d batches."
                            .formatted(Arrays.toString(levels), OF_LEVELS, factors.batches));
        }
        return factors;
    }

    private static double[] read(SessionState state, String name) {
        SessionState.Numbers numbers = StateReader.numbers(state, name);
        StateReader.require(numbers.shape().rank() == 1, name, numbers);
        double[] values = new double[Math.toIntExact(numbers.shape().elements())];
        numbers.read(0, values, 0, values.length);
        return values;
    }

    private static void require(boolean fits, double factor) {
        if (!fits || Double.isInfinite(factor)) {
            throw new BackpackException(
                    KernelProblems.INVALID_STATE,
                    "The session's state has the factor %s of a batch's loss, which is not a positive number."
                            .formatted(factor));
        }
    }
}
