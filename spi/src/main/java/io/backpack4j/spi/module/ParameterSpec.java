// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A parameter or buffer that a module has.
 *
 * @param name PyTorch's name within the module, such as {@code weight}
 * @param shape its shape
 * @param trainable whether it is a parameter; a buffer otherwise, which has no derivatives
 * @param initializer its first value where no file gives one
 * @param isInteger whether it holds integers, {@link DType#INT64}, and not numbers of the model's type; only a buffer
 *     may
 * @param kronecker the sizes of its Kronecker factors; nothing for a parameter without an input side, such as a bias
 * @param lookups how many of its rows a sample looks up at most; nothing for a parameter of which all rows have a part
 */
public record ParameterSpec(
        String name,
        Shape shape,
        boolean trainable,
        Initializer initializer,
        boolean isInteger,
        Optional<KroneckerSizes> kronecker,
        OptionalLong lookups) {

    public ParameterSpec {
        if (isInteger && trainable) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Parameter '%s' holds integers, which cannot be trained.".formatted(name));
        }
        kronecker.ifPresent(sizes -> {
            if (sizes.groups() * sizes.outputs() * sizes.inputs() != shape.elements()) {
                throw new BackpackException(
                        CommonProblems.INVALID_DECLARATION,
                        "Parameter '%s' of shape %s has no Kronecker factors of sizes %s."
                                .formatted(name, shape, sizes));
            }
        });
        if (lookups.isPresent() && (lookups.getAsLong() < 0 || shape.rank() == 0)) {
            throw new BackpackException(
                    CommonProblems.INVALID_DECLARATION,
                    "Parameter '%s' of shape %s cannot have %d rows looked up."
                            .formatted(name, shape, lookups.getAsLong()));
        }
    }

    /** One of which all rows have a part in every sample. */
    public ParameterSpec(
            String name,
            Shape shape,
            boolean trainable,
            Initializer initializer,
            boolean isInteger,
            Optional<KroneckerSizes> kronecker) {
        this(name, shape, trainable, initializer, isInteger, kronecker, OptionalLong.empty());
    }

    /** A parameter. */
    public static ParameterSpec parameter(String name, Shape shape, Initializer initializer) {
        return new ParameterSpec(name, shape, true, initializer, false, Optional.empty());
    }

    /** A buffer. */
    public static ParameterSpec buffer(String name, Shape shape, Initializer initializer) {
        return new ParameterSpec(name, shape, false, initializer, false, Optional.empty());
    }

    /** A buffer of one integer, 0 at first. */
    public static ParameterSpec counter(String name) {
        return new ParameterSpec(name, Shape.of(), false, new Initializer.Constant(0), true, Optional.empty());
    }

    /** The type of its elements in a model of a type. */
    public DType dtype(DType ofModel) {
        return isInteger ? DType.INT64 : ofModel;
    }

    /**
     * Says that the parameter's derivatives have {@link Contraction.InputFactor} and {@link Contraction.OutputFactor}.
     */
    public ParameterSpec withKronecker(KroneckerSizes sizes) {
        return new ParameterSpec(name, shape, trainable, initializer, isInteger, Optional.of(sizes), lookups);
    }

    /**
     * Says that a sample looks up at most so many rows of the parameter, and that its derivatives have {@link
     * Contraction.LookedUpIds} and {@link Contraction.LookedUpRows}.
     */
    public ParameterSpec withLookups(long rows) {
        return new ParameterSpec(name, shape, trainable, initializer, isInteger, kronecker, OptionalLong.of(rows));
    }

    /** The same under another name. */
    public ParameterSpec named(String other) {
        return new ParameterSpec(other, shape, trainable, initializer, isInteger, kronecker, lookups);
    }
}
