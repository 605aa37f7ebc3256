// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.influence;

/** By what labels are suspected. */
public enum LabelScore {
    /** The sample's own loss: great where the model does not believe the label. */
    LOSS(true),

    /**
     * ‖g_n‖, g_n being the gradient of the sample's term of the loss, before the mean divides it: great for samples
     * that pull at the parameters.
     */
    GRADIENT_NORM(true),

    /** {@link Influence#selfInfluence}: great for samples that the model fits in spite of all others. */
    SELF_INFLUENCE(true),

    /**
     * The mean cosine between g_n and the gradients of the other samples with the same label, from −1 to 1: small for
     * samples that ask for something else than those. A gradient of zero has the cosine 0 with all others, and so has
     * the only sample of its label.
     */
    ALIGNMENT(false);

    private final boolean greatestFirst;

    LabelScore(boolean greatestFirst) {
        this.greatestFirst = greatestFirst;
    }

    /** Whether great numbers are suspicious; small ones are otherwise. */
    public boolean greatestFirst() {
        return greatestFirst;
    }
}
