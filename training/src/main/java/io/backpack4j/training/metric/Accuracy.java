// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.metric;

import io.backpack4j.training.Metric;

/**
 * How often the largest output {@code [N, C, *]} is the target's, from 0 to 1. A single output is a logit: above 0 it
 * says yes. Targets that are no class do not count.
 */
public record Accuracy() implements Metric {

    @Override
    public String name() {
        return "accuracy";
    }

    @Override
    public Sum start() {
        return new TopK.Counted(1);
    }
}
