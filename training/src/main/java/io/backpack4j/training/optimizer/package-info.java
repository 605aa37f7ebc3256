/**
 * Optimisers of first order, with PyTorch's definitions and names. Each is updated on the backend, tensor by tensor,
 * without a round trip to the host.
 */
@NullMarked
package io.backpack4j.training.optimizer;

import org.jspecify.annotations.NullMarked;
