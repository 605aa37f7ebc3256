// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.Experimental;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * An extension with a result of the whole network, beside or instead of those of single parameters. One that has none
 * of these returns {@code Map.of()} as the result of every parameter and exports nothing of it. The network's result
 * merges over the batches of a session if all partial results do that it is made of.
 *
 * @param <R> the result per parameter
 * @param <W> the result of the whole network; its tensors are those that {@link #exportNetworkResult} names
 */
@Experimental
public interface NetworkExtension<R, W> extends Extension<R> {

    /**
     * Makes the result of the network, after the last stage and its fold. Partial tensors may be part of it as they
     * are; changed ones are allocated in the partial's scope.
     */
    W finishNetwork(NetworkPartial partial);

    /**
     * Names the tensors of the network's result: {@code ""} for one that stands under <code>*&#47;name</code> itself,
     * name being the results' name, and {@code "all"} for <code>*&#47;name/all</code>. A name that begins with a slash
     * replaces the results' name, unless a request renamed the results: {@code "/gammas/0"} stands under
     * <code>*&#47;gammas/0</code>, and under <code>*&#47;other/gammas/0</code> where the request's name is {@code
     * other}.
     */
    Map<String, Tensor> exportNetworkResult(W result);
}
