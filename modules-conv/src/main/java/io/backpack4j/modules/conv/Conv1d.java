// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

/** Makes the {@link Conv} of one axis that PyTorch calls {@code Conv1d}. */
public final class Conv1d {

    private Conv1d() {}

    /**
     * With stride and dilation 1, no padding, one group and a bias: PyTorch's defaults.
     *
     * @param kernelSize one number for all axes, or one for each
     */
    public static Conv of(long inChannels, long outChannels, long... kernelSize) {
        return Conv.of(1, inChannels, outChannels, kernelSize);
    }
}
