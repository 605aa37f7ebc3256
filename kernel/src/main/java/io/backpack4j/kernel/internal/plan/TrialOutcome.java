package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Plan.ResultType;
import io.backpack4j.kernel.internal.pass.Splitting;
import java.util.SortedMap;

/**
 * What a dry run found.
 *
 * @param splitting how the pass was split
 * @param peakBytes the most memory at a time, beside the model and the batch
 * @param results the results that come out
 */
record TrialOutcome(Splitting splitting, long peakBytes, SortedMap<String, ResultType> results) {}
