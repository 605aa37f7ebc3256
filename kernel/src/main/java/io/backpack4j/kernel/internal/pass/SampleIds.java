package io.backpack4j.kernel.internal.pass;

/** The ids of the samples of a chunk. */
final class SampleIds {

    private final long[] ids;

    SampleIds(long[] ids) {
        this.ids = ids;
    }

    long[] ids() {
        return ids;
    }
}
