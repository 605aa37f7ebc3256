// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.evaluation;

/** The ids of the samples of a chunk. */
public final class SampleIds {

    private final long[] ids;

    SampleIds(long[] ids) {
        this.ids = ids;
    }

    public long[] ids() {
        return ids;
    }
}
