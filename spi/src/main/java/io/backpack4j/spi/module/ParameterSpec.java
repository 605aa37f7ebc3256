package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.Shape;
import java.util.Optional;

/**
 * A parameter or buffer that a module has.
 *
 * @param name PyTorch's name within the module, such as {@code weight}
 * @param shape its shape
 * @param trainable whether it is a parameter; a buffer otherwise, which has no derivatives
 * @param initializer its first value where no file gives one
 * @param kronecker the sizes of its Kronecker factors; nothing for a parameter without an input side, such as a bias
 */
public record ParameterSpec(
        String name, Shape shape, boolean trainable, Initializer initializer, Optional<KroneckerSizes> kronecker) {

    public ParameterSpec {
        kronecker.ifPresent(sizes -> {
            if (sizes.groups() * sizes.outputs() * sizes.inputs() != shape.elements()) {
                throw new BackpackException(
                        "InvalidDeclaration",
                        "Parameter '%s' of shape %s has no Kronecker factors of sizes %s."
                                .formatted(name, shape, sizes));
            }
        });
    }

    /** A parameter. */
    public static ParameterSpec parameter(String name, Shape shape, Initializer initializer) {
        return new ParameterSpec(name, shape, true, initializer, Optional.empty());
    }

    /** A buffer. */
    public static ParameterSpec buffer(String name, Shape shape, Initializer initializer) {
        return new ParameterSpec(name, shape, false, initializer, Optional.empty());
    }

    /** Says that the parameter's derivatives have {@link Contraction.InputFactor} and {@link Contraction.OutputFactor}. */
    public ParameterSpec withKronecker(KroneckerSizes sizes) {
        return new ParameterSpec(name, shape, trainable, initializer, Optional.of(sizes));
    }

    /** The same under another name. */
    public ParameterSpec named(String other) {
        return new ParameterSpec(other, shape, trainable, initializer, kronecker);
    }
}
