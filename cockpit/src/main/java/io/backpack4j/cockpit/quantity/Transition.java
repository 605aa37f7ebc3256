// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import java.util.Map;

/**
 * The way u = θ' − θ from the parameters of a step to those of the next.
 *
 * @param step the first step
 * @param start the loss there
 * @param end the loss behind it, of the next step's batch
 * @param squaredLengths ‖u‖² by parameter
 * @param squaredNorms ‖θ‖² by parameter; empty unless somebody needs them
 */
public record Transition(
        long step, End start, End end, Map<String, Double> squaredLengths, Map<String, Double> squaredNorms) {

    /**
     * One end of the way.
     *
     * @param loss the mean loss
     * @param losses those of single samples, {@code [N]}
     * @param projections ⟨g_n, u⟩ by parameter, {@code [N]} each; empty unless somebody needs them
     */
    public record End(double loss, double[] losses, Map<String, double[]> projections) {}
}
