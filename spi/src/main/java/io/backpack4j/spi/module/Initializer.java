// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/** How a parameter gets its first value. */
public sealed interface Initializer {

    /** All elements equal. */
    record Constant(double value) implements Initializer {}

    /** Independent uniform numbers in [-bound, bound). */
    record Uniform(double bound) implements Initializer {}

    /** Independent normal numbers of mean 0. */
    record Normal(double standardDeviation) implements Initializer {}

    /**
     * Zeros in one row of the first axis, such as that of an embedding's padding.
     *
     * @param others what all other rows get
     * @param row the row
     */
    record ZeroRow(Initializer others, long row) implements Initializer {}

    /** PyTorch's default for weights and biases of linear and convolution modules: uniform with bound 1/√(fan in). */
    static Initializer fanIn(long fanIn) {
        return new Uniform(fanIn == 0 ? 0 : 1 / Math.sqrt(fanIn));
    }
}
