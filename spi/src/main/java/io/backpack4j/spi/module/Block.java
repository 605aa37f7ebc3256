// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/**
 * A block of per-sample gradients: some neighbouring columns times some neighbouring samples.
 *
 * @param fromColumn the first column
 * @param toColumn the column behind the last
 * @param fromSample the first sample
 * @param toSample the sample behind the last
 */
public record Block(long fromColumn, long toColumn, long fromSample, long toSample) {

    /** The number of columns. */
    public long columns() {
        return toColumn - fromColumn;
    }

    /** The number of samples. */
    public long samples() {
        return toSample - fromSample;
    }
}
