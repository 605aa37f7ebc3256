// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

/** Which Fisher matrix {@link KFAC} approximates. */
public enum Fisher {
    /** That of targets drawn from the model: in expectation the generalised Gauss-Newton matrix. */
    MC,
    /** The empirical one, of the gradients at the targets themselves. */
    EMPIRICAL
}
