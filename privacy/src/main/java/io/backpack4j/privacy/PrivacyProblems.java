// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.privacy;

import io.backpack4j.spi.ProblemId;

/** The kinds of problems of this room. */
public final class PrivacyProblems {

    /** A number of the mechanism is out of its range. */
    public static final ProblemId INVALID_PRIVACY = new ProblemId(
            "InvalidPrivacy",
            "Noise, sampling, clipping or budget of private training are not possible.",
            "Take the values that the message names.");

    /** Layers mix samples, so that one of them has no bounded influence. */
    public static final ProblemId MIXED_SAMPLES = new ProblemId(
            "MixedSamples",
            "A layer in train mode makes a sample's output depend on others, so nothing bounds one sample's influence.",
            "Replace batch norms by GroupNorm, or take them in eval mode.");

    private PrivacyProblems() {}
}
