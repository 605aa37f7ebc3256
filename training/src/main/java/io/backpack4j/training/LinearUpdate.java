// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * What is known of an update before its gradient is: θ ← θ − rate · ∇L + rest.
 *
 * @param rate of the gradient
 * @param rest what momentum and weight decay add, by parameter, {@code *p}; parameters that are not named have none
 */
public record LinearUpdate(double rate, Map<String, Tensor> rest) {

    public LinearUpdate {
        rest = Map.copyOf(rest);
    }
}
