// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

import io.backpack4j.spi.Arguments;
import java.util.Map;

/**
 * Thresholds.
 *
 * @param window over how many values means and medians are taken
 * @param largestAlpha the largest mean of Alpha
 * @param largestNormTest the largest median of NormTest, which is 1 where all of the gradient is noise
 * @param leastGradient the least gradient norm
 * @param largestGradient the largest gradient norm, as a multiple of the median of those before
 * @param largestSpread the largest quotient of gradient norms of parameters at the first step
 * @param leastUpdate the least mean of UpdateRatio
 * @param largestUpdate the largest mean of UpdateRatio
 * @param leastFall by which part the mean loss falls at least from a window to the next, and from the first on
 * @param largestDead the largest mean of DeadUnits
 * @param largestSaturation the largest mean of Saturation
 * @param leastBalance the least ClassBalance
 * @param leastInput the least InputScale
 * @param largestInput the largest InputScale
 * @param largestInputSpread the largest quotient of a feature's scale and the median of all features'
 * @param epochs for how many epochs the validation loss may rise
 * @param largestGap by how much the accuracy of training may be above that of validation
 */
public record AlarmOptions(
        int window,
        double largestAlpha,
        double largestNormTest,
        double leastGradient,
        double largestGradient,
        double largestSpread,
        double leastUpdate,
        double largestUpdate,
        double leastFall,
        double largestDead,
        double largestSaturation,
        double leastBalance,
        double leastInput,
        double largestInput,
        double largestInputSpread,
        int epochs,
        double largestGap) {

    /** What suits most runs. */
    public static final AlarmOptions DEFAULT =
            new AlarmOptions(100, 0.5, 0.95, 1e-7, 100, 1e4, 1e-6, 0.1, 1e-3, 0.5, 0.5, 0.7, 1e-3, 10, 100, 3, 0.1);

    /**
     * Reads thresholds by name, such as {@code window=50,largest_alpha=0.8}; those of {@link #DEFAULT} where there is
     * none.
     */
    public static AlarmOptions of(Map<String, Object> options) {
        Arguments arguments = new Arguments("the alarms", options);
        AlarmOptions read = new AlarmOptions(
                positive(arguments, "window", DEFAULT.window),
                arguments.number("largest_alpha", DEFAULT.largestAlpha),
                arguments.number("largest_norm_test", DEFAULT.largestNormTest),
                arguments.number("least_gradient", DEFAULT.leastGradient),
                arguments.number("largest_gradient", DEFAULT.largestGradient),
                arguments.number("largest_spread", DEFAULT.largestSpread),
                arguments.number("least_update", DEFAULT.leastUpdate),
                arguments.number("largest_update", DEFAULT.largestUpdate),
                arguments.number("least_fall", DEFAULT.leastFall),
                arguments.number("largest_dead", DEFAULT.largestDead),
                arguments.number("largest_saturation", DEFAULT.largestSaturation),
                arguments.number("least_balance", DEFAULT.leastBalance),
                arguments.number("least_input", DEFAULT.leastInput),
                arguments.number("largest_input", DEFAULT.largestInput),
                arguments.number("largest_input_spread", DEFAULT.largestInputSpread),
                positive(arguments, "epochs", DEFAULT.epochs),
                arguments.number("largest_gap", DEFAULT.largestGap));
        arguments.rejectUnknown();
        return read;
    }

    /** Over how many values means of single layers are taken: a fifth of {@link #window}. */
    int layerWindow() {
        return Math.max(1, window / 5);
    }

    private static int positive(Arguments arguments, String name, int otherwise) {
        long value = arguments.integer(name, otherwise);
        if (value < 1 || value > 1_000_000) {
            throw arguments.wrong(name, "a whole number from 1 to 1000000", value);
        }
        return (int) value;
    }
}
