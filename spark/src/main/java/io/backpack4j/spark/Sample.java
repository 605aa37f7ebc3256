// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spark;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A sample of a {@code JavaRDD}: its id, its inputs in the model's order, and its target, row-major. Arrays are the
 * caller's and are not copied.
 *
 * <pre>{@code
 * Sample sample = Sample.of(17).input(pixels).target(3);
 * }</pre>
 */
public final class Sample implements Serializable {

    private static final long serialVersionUID = 1L;

    private final long id;
    private final ArrayList<Object> inputs = new ArrayList<>();
    private @Nullable Object target;

    private Sample(long id) {
        this.id = id;
    }

    /** Begins a sample. */
    public static Sample of(long id) {
        return new Sample(id);
    }

    /** Adds an input. */
    public Sample input(float... values) {
        inputs.add(values);
        return this;
    }

    /** Adds an input. */
    public Sample input(double... values) {
        inputs.add(values);
        return this;
    }

    /** Adds an input of integers. */
    public Sample input(long... values) {
        inputs.add(values);
        return this;
    }

    /** Sets class indices. */
    public Sample target(long... values) {
        target = values;
        return this;
    }

    /** Sets real targets. */
    public Sample target(double... values) {
        target = values;
        return this;
    }

    long id() {
        return id;
    }

    List<Object> inputs() {
        return inputs;
    }

    @Nullable
    Object target() {
        return target;
    }
}
