// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Results;

/**
 * A step while it happens.
 *
 * @param training the run
 * @param number the step's number, from 0 on
 * @param epoch from 1 on
 * @param batch the samples
 * @param results what the pass computed: gradients before any clipping, and what was asked for
 * @param loss the reduced loss
 * @param learningRate that of the optimiser's own group
 * @param seed of the pass
 */
public record TrainingStep(
        Training training,
        long number,
        long epoch,
        Batch batch,
        Results results,
        double loss,
        double learningRate,
        long seed) {}
