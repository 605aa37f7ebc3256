// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Results;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * What an update is made of. Valid during one call.
 *
 * @param number the step's number, from 0 on
 * @param batch the samples of the pass
 * @param results all that the pass computed, with what was asked for in {@link OptimizerRun#prepare}
 * @param seed of the pass
 * @param gradients of the trained parameters, clipped if that was asked for: to be read
 * @param rates the learning rates of the parameters, as groups and the schedule say
 * @param momentum what the schedule says instead of the optimiser's momentum (or β₁), if it cycles it
 */
public record OptimizerStep(
        long number,
        Batch batch,
        Results results,
        long seed,
        Map<String, Tensor> gradients,
        Map<String, Double> rates,
        OptionalDouble momentum) {

    /** The gradient of a parameter, {@code *p}. */
    public Tensor gradient(String parameter) {
        return Objects.requireNonNull(gradients.get(parameter), parameter);
    }

    /** The learning rate of a parameter. */
    public double learningRate(String parameter) {
        return Objects.requireNonNull(rates.get(parameter), parameter);
    }
}
