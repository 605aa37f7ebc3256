// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

/** What entries of random vectors are: independent, of mean 0 and variance 1. */
public enum Distribution {
    /** −1 or 1, each with probability 1/2: the least variance of trace estimates. */
    RADEMACHER,
    /** Standard normal. */
    NORMAL
}
