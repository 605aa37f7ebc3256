// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.function.Consumer;

/**
 * The numbers of a model, by full name such as {@code 0.weight}. A tied parameter has its owner's name only. May be
 * written between passes, by one thread.
 *
 * <p>A parameter or buffer that nobody has set gets its module's first value at its first use, by a pass or
 * {@link #get}, drawn as PyTorch does from the seed of the library ({@link BackPack.Builder#seed}): as after
 * {@link #initialize} with that seed, whatever others were set.
 */
public interface Parameters {

    /** The names of all parameters and buffers, in the order of the network. */
    List<String> names();

    /** The names of the parameters that are trained, in the order of the network. */
    List<String> trainable();

    /** Specification of a parameter, as its module gave it. */
    ParameterSpec spec(String name);

    /** The numbers of a parameter. Writing to the tensor changes the model. The model owns it. */
    Tensor get(String name);

    /** Whether a parameter has numbers: because they were set, or because it was used and got its first value then. */
    boolean isSet(String name);

    /** Replaces the numbers of a parameter, row-major; whole ones for a buffer of integers. */
    void set(String name, double[] values);

    /** Replaces the numbers of a parameter, row-major. */
    default void set(String name, float[] values) {
        double[] numbers = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            numbers[i] = values[i];
        }
        set(name, numbers);
    }

    /**
     * Replaces the numbers of a parameter by what is written to its tensor.
     *
     * @param writer writes every element, finite ones
     */
    void set(String name, Consumer<Tensor> writer);

    /** Sets all parameters and buffers to their modules' first values, drawn from a seed. */
    void initialize(long seed);
}
