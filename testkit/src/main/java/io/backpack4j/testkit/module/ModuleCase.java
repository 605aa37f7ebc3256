// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;

/**
 * A module to be tested, with inputs that fit it.
 *
 * @param module the module; a composition is taken as one, with parts from the plugins of the class path
 * @param inputs the shapes of one sample's inputs; they hold real numbers
 */
public record ModuleCase(Module module, List<Shape> inputs) {

    public ModuleCase {
        module = ComposedModule.whole(module);
        inputs = List.copyOf(inputs);
    }

    /** A module with the shapes of one sample's inputs. */
    public static ModuleCase of(Module module, Shape... inputs) {
        return new ModuleCase(module, List.of(inputs));
    }

    @Override
    public String toString() {
        return module + " of " + inputs;
    }
}
