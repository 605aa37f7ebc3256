package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Shape;

/**
 * A parameter or buffer that a module has.
 *
 * @param name PyTorch's name within the module, such as {@code weight}
 * @param shape its shape
 * @param trainable whether it is a parameter; a buffer otherwise, which has no derivatives
 * @param initializer its first value where no file gives one
 */
public record ParameterSpec(String name, Shape shape, boolean trainable, Initializer initializer) {

    /** A parameter. */
    public static ParameterSpec parameter(String name, Shape shape, Initializer initializer) {
        return new ParameterSpec(name, shape, true, initializer);
    }

    /** A buffer. */
    public static ParameterSpec buffer(String name, Shape shape, Initializer initializer) {
        return new ParameterSpec(name, shape, false, initializer);
    }
}
