// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

/**
 * Where samples stand in the order of adding, in the order of their ids: runs of neighbours.
 *
 * @param starts positions of the runs' first samples in the order of adding
 * @param lengths how many samples each run has
 */
record SampleOrder(long[] starts, long[] lengths) {

    /** That of samples that were added in the order of their ids. */
    static SampleOrder asAdded(long samples) {
        return new SampleOrder(new long[] {0}, new long[] {samples});
    }

    int runs() {
        return starts.length;
    }
}
