// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What came of a run.
 *
 * @param steps how many steps were taken, those before a resumption included
 * @param epochs those that ended in this process
 * @param stopped why the run ended early, if it did
 */
public record TrainingResult(long steps, List<EpochResult> epochs, Optional<String> stopped) {

    public TrainingResult {
        epochs = List.copyOf(epochs);
    }

    /** The values of the last epoch; empty if none ended. */
    public Map<String, Double> last() {
        return epochs.isEmpty() ? Map.of() : epochs.get(epochs.size() - 1).values();
    }
}
