// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.tensor.Shape;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model with its numbers, read from a file of another format.
 *
 * @param description the model
 * @param numbers its parameters and buffers
 * @param inputs the shapes of one sample's inputs, by name, where the file says them
 * @param notices what a user should know about how the file was read, a sentence or two each
 */
public record ForeignModel(
        ModelDescription description, ModelNumbers numbers, Map<String, Shape> inputs, List<String> notices) {

    public ForeignModel {
        inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
        notices = List.copyOf(notices);
    }
}
