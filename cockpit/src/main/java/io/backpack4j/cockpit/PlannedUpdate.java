// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What is known of an update before the gradient is: u = −rate · G + rest, G being the gradient of the reduced loss.
 * Where that is said, the slope at the start of the update costs nothing; a cockpit checks it against the update that
 * came, and else makes one more pass of the same batch.
 *
 * @param rate empty if nothing is known
 * @param rest by parameter, {@code *p}; the caller's, who keeps it as it is until the step is over. Parameters that are
 *     not named have none
 */
public record PlannedUpdate(OptionalDouble rate, Map<String, Tensor> rest) {

    /** Nothing is known, as of adaptive methods. */
    public static final PlannedUpdate UNKNOWN = new PlannedUpdate(OptionalDouble.empty(), Map.of());

    public PlannedUpdate {
        rest = Map.copyOf(rest);
    }

    /** Plain gradient descent. */
    public static PlannedUpdate descent(double rate) {
        return new PlannedUpdate(OptionalDouble.of(rate), Map.of());
    }

    /**
     * Gradient descent with momentum, weight decay or both: everything of the update that does not depend on the
     * gradient is in the rest.
     */
    public static PlannedUpdate descent(double rate, Map<String, Tensor> rest) {
        return new PlannedUpdate(OptionalDouble.of(rate), rest);
    }

    /** Whether it is plain gradient descent. */
    boolean isPlain() {
        return rate.isPresent() && rest.isEmpty();
    }

    /** The rest of a parameter. */
    Optional<Tensor> rest(String parameter) {
        return Optional.ofNullable(rest.get(parameter));
    }
}
