// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import java.util.Optional;

/**
 * Which parameter a name means.
 *
 * @param kind {@code weight_ih} or the like
 * @param layer its layer
 * @param direction 0, or 1 for the reverse one
 */
record ParameterName(String kind, int layer, int direction) {

    static Optional<ParameterName> of(Recurrence recurrence, String name) {
        for (int layer = 0; layer < recurrence.numLayers(); layer++) {
            for (int direction = 0; direction < recurrence.directions(); direction++) {
                String suffix = Recurrence.suffix(layer, direction);
                String kind = name.endsWith(suffix) ? name.substring(0, name.length() - suffix.length()) : "";
                boolean isBias = kind.equals(Weights.INPUT_BIAS) || kind.equals(Weights.STATE_BIAS);
                boolean isWeight = kind.equals(Weights.OF_INPUT) || kind.equals(Weights.OF_STATE);
                if (isWeight || (isBias && recurrence.bias())) {
                    return Optional.of(new ParameterName(kind, layer, direction));
                }
            }
        }
        return Optional.empty();
    }

    /** Whether it acts on the state, and not on the input. */
    boolean isOfState() {
        return kind.equals(Weights.OF_STATE) || kind.equals(Weights.STATE_BIAS);
    }

    boolean isBias() {
        return kind.equals(Weights.INPUT_BIAS) || kind.equals(Weights.STATE_BIAS);
    }
}
