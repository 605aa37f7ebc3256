package io.backpack4j.kernel;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/** Inputs and targets of some samples, on a backend. Owns its tensors; serves any number of passes. */
public interface Batch extends AutoCloseable {

    /** The inputs by name, each {@code [N, *in]}. */
    Map<String, Tensor> inputs();

    /** The targets, {@code [N, *]}. */
    Tensor targets();

    /** The samples' ids: random draws are keyed by them, so different batches of one data set should have different ones. */
    long[] sampleIds();

    /** N. */
    default long samples() {
        return sampleIds().length;
    }

    /** Returns the memory. */
    @Override
    void close();
}
