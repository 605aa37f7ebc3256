// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

/** Makes the {@link Conv} of two axes that PyTorch calls {@code Conv2d}. */
public final class Conv2d {

    private Conv2d() {}

    /**
     * With stride and dilation 1, no padding, one group and a bias: PyTorch's defaults.
     *
     * @param kernelSize one number for all axes, or one for each
     */
    public static Conv of(long inChannels, long outChannels, long... kernelSize) {
        return Conv.of(2, inChannels, outChannels, kernelSize);
    }
}
