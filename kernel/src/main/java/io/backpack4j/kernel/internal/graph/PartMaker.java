// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.graph;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Module;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes the parts of compositions: a catalogue of modules, seen from here. */
@FunctionalInterface
public interface PartMaker {

    /**
     * Makes a module.
     *
     * @param owner what it is for, for messages
     * @throws BackpackException if no plugin provides the type, or the arguments are wrong
     */
    Module module(String owner, String type, Map<String, @Nullable Object> arguments);
}
