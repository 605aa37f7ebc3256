// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How well held-out data is predicted.
 *
 * @param epoch from 1 on
 * @param step how many steps were taken
 * @param values {@code valid_loss} and {@code valid_<metric>} of all metrics
 */
public record ValidationResult(long epoch, long step, Map<String, Double> values) {

    public ValidationResult {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }
}
