// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.Extension;
import java.util.List;

/**
 * The batch size that the rule of L. Balles, J. Romero, P. Hennig (2017), "Coupling Adaptive Batch Sizes with Learning
 * Rates", suggests: rate · tr Σ / L, Σ being the biased covariance of gradients. Of plain gradient descent only.
 */
record CABS() implements SingleStepQuantityOfGradients {

    @Override
    public List<Extension<?>> needed() {
        return List.of(Measured.spread());
    }

    @Override
    public Measurement compute(Observation step, List<String> parameters) {
        if (step.rate().isEmpty()) {
            return Measurement.missing(
                    "the rule is for plain gradient descent, and the optimizer is not, or not known to be");
        }
        if (!(step.loss() > 0)) {
            return Measurement.missing("the rule needs a positive loss");
        }
        // The step is along the gradient of the reduced loss: of a sum it is as much longer as the rate for a mean
        // would be larger.
        double rate = step.rate().getAsDouble() / step.batchFactor();
        double trace = GradientStatistics.spread(step, parameters) / step.samples();
        return Measurement.of(rate * trace / step.loss());
    }
}
