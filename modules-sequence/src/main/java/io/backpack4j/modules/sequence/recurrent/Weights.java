// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * The parameters of one direction of a layer, or their tangents with V columns in front; what stands still is not
 * there.
 *
 * @param ofInput {@code [G · H, I]}
 * @param ofState {@code [G · H, H]}
 * @param inputBias {@code [G · H]}
 * @param stateBias {@code [G · H]}
 */
record Weights(
        Optional<Tensor> ofInput, Optional<Tensor> ofState, Optional<Tensor> inputBias, Optional<Tensor> stateBias) {

    static final String OF_INPUT = "weight_ih";
    static final String OF_STATE = "weight_hh";
    static final String INPUT_BIAS = "bias_ih";
    static final String STATE_BIAS = "bias_hh";

    /** @param suffix of the names, such as {@code _l0_reverse} */
    static Weights of(Map<String, Tensor> parameters, String suffix) {
        return new Weights(
                Optional.ofNullable(parameters.get(OF_INPUT + suffix)),
                Optional.ofNullable(parameters.get(OF_STATE + suffix)),
                Optional.ofNullable(parameters.get(INPUT_BIAS + suffix)),
                Optional.ofNullable(parameters.get(STATE_BIAS + suffix)));
    }
}
