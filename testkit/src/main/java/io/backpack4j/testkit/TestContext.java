// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.RandomKey;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.stream.LongStream;

/**
 * A context as the kernel would make it.
 *
 * @param backend the arithmetic
 * @param scope where results go
 * @param sampleIds the ids of the samples
 * @param randomKey the key of random draws
 */
public record TestContext(Backend backend, TensorScope scope, long[] sampleIds, RandomKey randomKey)
        implements EvaluationContext {

    /** Samples with ids 0, 1, … and seed 0. */
    public static TestContext of(Backend backend, TensorScope scope, long samples) {
        return new TestContext(backend, scope, LongStream.range(0, samples).toArray(), new RandomKey(0, 0, 0));
    }
}
