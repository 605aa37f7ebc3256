// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Model;
import java.util.List;

/** A run of a trainer, as listeners see it. */
public interface Training {

    /** The library. */
    BackPack backpack();

    /** The model, whose parameters change. */
    Model model();

    /** What makes the updates. */
    Optimizer optimizer();

    /** The names of the parameters that are updated, in the order of the network. */
    List<String> parameters();

    /** The seed of the run: the order of samples, and of every pass, follow from it. */
    long seed();

    /** How many epochs the run takes in all. */
    long epochs();

    /** How many batches an epoch has; the same for all. */
    long batchesPerEpoch();

    /** Where lines about steps go. */
    TrainingLog log();

    /** Ends the run after the current step. The first reason counts. */
    void stop(String reason);
}
