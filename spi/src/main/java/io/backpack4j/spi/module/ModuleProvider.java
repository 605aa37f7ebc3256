// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.Arguments;
import java.util.function.Function;

/** Makes modules of one type from the arguments of a model file. */
public interface ModuleProvider {

    /** The type's name, unique on a class path: PyTorch's where PyTorch has such a module. */
    String type();

    /**
     * Makes a module. Arguments that it does not ask for are reported to the user as unknown, except for those of
     * PyTorch that change no number.
     */
    Module create(Arguments arguments);

    /** A provider made of a function. */
    static ModuleProvider of(String type, Function<Arguments, Module> factory) {
        return new ModuleProvider() {
            @Override
            public String type() {
                return type;
            }

            @Override
            public Module create(Arguments arguments) {
                return factory.apply(arguments);
            }
        };
    }
}
