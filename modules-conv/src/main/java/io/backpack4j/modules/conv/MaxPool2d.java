// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

/** Makes the {@link MaxPool} of two axes that PyTorch calls {@code MaxPool2d}. */
public final class MaxPool2d {

    private MaxPool2d() {}

    /**
     * With strides as long as the window, no padding and dilation 1: PyTorch's defaults.
     *
     * @param kernelSize one number for all axes, or one for each
     */
    public static MaxPool of(long... kernelSize) {
        return MaxPool.of(2, kernelSize);
    }
}
