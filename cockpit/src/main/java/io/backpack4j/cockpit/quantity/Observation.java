// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Difference;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** What is known behind a step's pass and before its update. */
public interface Observation {

    /** The step. */
    long step();

    /** N. */
    long samples();

    /** The loss, as a mean reduces it. */
    double loss();

    /** The losses of single samples, whose mean {@link #loss} is. */
    double[] losses();

    /** What per-sample columns of the loss's gradient, in which its factor is, are multiplied by to be g_n. */
    double sampleFactor();

    /** What the gradient and the curvature of the reduced loss are multiplied by to be those of a mean. */
    double batchFactor();

    /** The gradient of the reduced loss by a parameter. */
    Tensor gradient(String parameter);

    /** The sum of squares of {@link #gradient}, worked out once. */
    double squaredGradient(String parameter);

    /** The result of an extension for a parameter. */
    <R> R get(Extension<R> extension, String parameter);

    /** The result of an extension for the network. */
    <W> W network(NetworkExtension<?, W> extension);

    /** A parameter's numbers: read them. */
    Tensor parameter(String name);

    /** A parameter's numbers at the first step: read them. */
    Tensor reference(String name);

    /** The sum of squares of the difference of {@link #parameter} from {@link #reference}, worked out once. */
    default double squaredDistance(String parameter) {
        Difference moved = new Difference(parameter(parameter), reference(parameter), null, null);
        return Sums.measure(backend(), List.of(moved))[0][0];
    }

    /**
     * The rate of plain gradient descent, u = −rate · (gradient of the reduced loss); empty if the step is another, or
     * not known.
     */
    OptionalDouble rate();

    /** Seconds since an epoch. */
    double time();

    /** The folder of the run, if it has one. */
    Optional<Path> folder();

    /** The library. */
    BackPack backpack();

    /** The model. */
    Model model();

    /** The batch. */
    Batch batch();

    /** The seed of the pass. */
    long seed();

    /** A scope that closes when the step's values are made. */
    TensorScope scope();

    /** The arithmetic. */
    default Backend backend() {
        return backpack().backend();
    }
}
