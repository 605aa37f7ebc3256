// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import java.util.function.BiFunction;
import java.util.function.Function;

/** Makes optimisers of one type from options. Plugins bring it as one of their {@link Plugin#services}. */
public interface OptimizerProvider extends NamedService {

    /** What lists and messages call services of this kind. */
    String KIND = "optimizer";

    @Override
    default String kind() {
        return KIND;
    }

    /**
     * Makes an optimiser. Options that it does not ask for are reported to the user as unknown.
     *
     * @param catalog for optimisers that are made with something that plugins bring, such as an extension
     */
    Optimizer create(Arguments options, Catalog catalog);

    /** A provider made of a function. */
    static OptimizerProvider of(String name, Function<Arguments, Optimizer> factory) {
        return withCatalog(name, (options, catalog) -> factory.apply(options));
    }

    /** A provider made of a function of options and what plugins bring. */
    static OptimizerProvider withCatalog(String name, BiFunction<Arguments, Catalog, Optimizer> factory) {
        return new OptimizerProvider() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Optimizer create(Arguments options, Catalog catalog) {
                return factory.apply(options, catalog);
            }
        };
    }
}
