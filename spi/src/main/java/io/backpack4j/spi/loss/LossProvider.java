// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.loss;

import io.backpack4j.spi.Arguments;
import java.util.function.Function;

/** Makes losses of one type from the arguments of a model file. */
public interface LossProvider {

    /** The type's name, unique on a class path. */
    String type();

    /**
     * Makes a loss. Arguments that it does not ask for are reported to the user as unknown, except for those of PyTorch
     * that change no number.
     */
    Loss create(Arguments arguments);

    /** A provider made of a function. */
    static LossProvider of(String type, Function<Arguments, Loss> factory) {
        return new LossProvider() {
            @Override
            public String type() {
                return type;
            }

            @Override
            public Loss create(Arguments arguments) {
                return factory.apply(arguments);
            }
        };
    }
}
