// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What came of an epoch.
 *
 * @param epoch from 1 on
 * @param step how many steps were taken in all
 * @param values {@code train_loss} and {@code train_<metric>}, averaged over the epoch while parameters changed; {@code
 *     valid_loss} and {@code valid_<metric>} where held-out data was predicted; {@code learning_rate}
 */
public record EpochResult(long epoch, long step, Map<String, Double> values) {

    public EpochResult {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }
}
