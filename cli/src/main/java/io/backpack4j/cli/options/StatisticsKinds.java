// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.options;

import io.backpack4j.kernel.BatchStatistics;
import java.util.List;

/** Reads what derivatives make of statistics of the batch. */
public final class StatisticsKinds extends Choice<BatchStatistics> {

    StatisticsKinds() {
        super(List.of(BatchStatistics.DIFFERENTIATED, BatchStatistics.CONSTANT));
    }
}
