// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

/** Makes the {@link MaxPool} of three axes that PyTorch calls {@code MaxPool3d}. */
public final class MaxPool3d {

    private MaxPool3d() {}

    /**
     * With strides as long as the window, no padding and dilation 1: PyTorch's defaults.
     *
     * @param kernelSize one number for all axes, or one for each
     */
    public static MaxPool of(long... kernelSize) {
        return MaxPool.of(3, kernelSize);
    }
}
