// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import java.util.List;

/**
 * Inner products that are added up over a group of parameters. Equal keys are one result, whoever asks for it.
 *
 * @param pair the inner products
 * @param parameters the full names of the group's parameters, in the order of the network; of one only where it is a
 *     parameter's own result
 */
public record GroupKey(PairKey pair, List<String> parameters) {

    public GroupKey {
        parameters = List.copyOf(parameters);
    }

    /** The parameters, for messages. */
    public String described() {
        return parameters.size() == 1
                ? "'%s'".formatted(parameters.get(0))
                : "%d parameters from '%s' on".formatted(parameters.size(), parameters.get(0));
    }
}
