// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A loss as data.
 *
 * @param type the loss's type, such as {@code CrossEntropyLoss}
 * @param arguments its arguments, such as {@code reduction}
 */
public record LossDescription(String type, Map<String, @Nullable Object> arguments) {

    /** Description for a model without a loss, which only predicts. */
    public static final LossDescription NONE = new LossDescription("", Map.of());

    public LossDescription {
        arguments = Collections.unmodifiableMap(new LinkedHashMap<>(arguments));
    }
}
