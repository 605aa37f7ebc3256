// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import io.backpack4j.spi.backend.Window;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/** Convolutions of 3C3D with 128 samples and of All-CNN-C with 32; all planes and windows are squares. */
public enum Layer {
    C3D_1("3C3D 3→64, 5×5, 32²", 128, 3, 32, 64, 5, 1, 0),
    C3D_2("3C3D 64→96, 3×3, 14²", 128, 64, 14, 96, 3, 1, 0),
    C3D_3("3C3D 96→128, 3×3, 6²", 128, 96, 6, 128, 3, 1, 1),
    CNN_2("All-CNN-C 96→96, 3×3, 32²", 32, 96, 32, 96, 3, 1, 1),
    CNN_3("All-CNN-C 96→96, 3×3, stride 2, 33²", 32, 96, 33, 96, 3, 2, 0),
    CNN_5("All-CNN-C 192→192, 3×3, 16²", 32, 192, 16, 192, 3, 1, 1),
    CNN_8("All-CNN-C 192→192, 1×1, 6²", 32, 192, 6, 192, 1, 1, 0);

    final String text;
    final long batch;
    final long inputs;
    final long inputSize;
    final long outputs;
    final long kernel;
    final long stride;
    final long padding;

    Layer(String text, long batch, long inputs, long inputSize, long outputs, long kernel, long stride, long padding) {
        this.text = text;
        this.batch = batch;
        this.inputs = inputs;
        this.inputSize = inputSize;
        this.outputs = outputs;
        this.kernel = kernel;
        this.stride = stride;
        this.padding = padding;
    }

    long outputSize() {
        return (inputSize + 2 * padding - kernel) / stride + 1;
    }

    Window window() {
        return new Window(List.of(kernel, kernel), List.of(stride, stride), List.of(padding, padding), List.of(1L, 1L));
    }

    Shape x() {
        return Shape.of(batch, inputs, inputSize, inputSize);
    }

    Shape y() {
        return Shape.of(batch, outputs, outputSize(), outputSize());
    }

    Shape weight() {
        return Shape.of(outputs, inputs, kernel, kernel);
    }

    /** Whether x comes from the user, row-major, and nobody asks for its cotangents. */
    boolean isFirst() {
        return this == C3D_1;
    }

    /**
     * Multiplications and additions of one evaluation, of its transpose or of all weight gradients; those with padding
     * are not counted.
     */
    double operations() {
        Window window = window();
        double perAxis = 0;
        for (long k = 0; k < kernel; k++) {
            perAxis += window.overlap(0, k, inputSize, outputSize()).count();
        }
        return 2.0 * batch * inputs * outputs * perAxis * perAxis;
    }
}
