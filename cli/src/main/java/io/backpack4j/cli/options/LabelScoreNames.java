// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.influence.LabelScore;
import java.util.List;

/** Reads by what labels are ordered. */
public final class LabelScoreNames extends Choice<LabelScore> {

    LabelScoreNames() {
        super(List.of(LabelScore.values()));
    }
}
