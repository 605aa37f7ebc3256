// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.internal.layout.Splitting;

/**
 * Finding of a trial of a splitting.
 *
 * @param splitting how the pass was split
 * @param peakBytes the most memory at a time, beside the model and the batch
 * @param outcome what comes out
 */
record TrialOutcome(Splitting splitting, long peakBytes, Rehearsal.Outcome outcome) {

    TrialOutcome withPeak(long bytes) {
        return new TrialOutcome(splitting, bytes, outcome);
    }
}
