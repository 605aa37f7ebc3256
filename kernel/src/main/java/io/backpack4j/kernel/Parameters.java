package io.backpack4j.kernel;

import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;

/**
 * The numbers of a model, by full name such as {@code 0.weight}. A tied parameter has its owner's name only. May be written between passes,
 * by one thread.
 */
public interface Parameters {

    /** The names of all parameters and buffers, in the order of the network. */
    List<String> names();

    /** The names of the parameters that are trained, in the order of the network. */
    List<String> trainable();

    /** What the module said of a parameter. */
    ParameterSpec spec(String name);

    /** The numbers of a parameter. Writing to the tensor changes the model. The model owns it. */
    Tensor get(String name);

    /** Replaces the numbers of a parameter, row-major. */
    void set(String name, double[] values);

    /** Replaces the numbers of a parameter, row-major. */
    default void set(String name, float[] values) {
        double[] numbers = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            numbers[i] = values[i];
        }
        set(name, numbers);
    }

    /** Sets all parameters and buffers to their modules' first values, drawn from a seed. */
    void initialize(long seed);
}
