// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.NamedService;
import java.util.function.BiFunction;

/**
 * Makes quantities of one name. A plugin lists it among its {@linkplain io.backpack4j.spi.Plugin#services services}.
 */
public interface QuantityProvider extends NamedService {

    @Override
    default String kind() {
        return "quantity";
    }

    /**
     * Makes a quantity. Options that it does not ask for are reported to the user as unknown.
     *
     * @param label the label of its values, unique in a cockpit, for names of operands
     */
    Quantity create(String label, Arguments options);

    /**
     * Makes a quantity of something else that plugins bring, such as an extension that they provide by name. By default
     * of nothing.
     *
     * @param label as above
     * @param catalog what plugins bring
     */
    default Quantity create(String label, Arguments options, Catalog catalog) {
        return create(label, options);
    }

    /** A provider made of a function. */
    static QuantityProvider of(String name, BiFunction<String, Arguments, Quantity> factory) {
        return new QuantityProvider() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Quantity create(String label, Arguments options) {
                return factory.apply(label, options);
            }
        };
    }

    /** A provider made of a function of options and what plugins bring. */
    static QuantityProvider withCatalog(String name, BiFunction<Arguments, Catalog, Quantity> factory) {
        return new QuantityProvider() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Quantity create(String label, Arguments options) {
                throw new IllegalStateException(name + " is made with what plugins bring");
            }

            @Override
            public Quantity create(String label, Arguments options, Catalog catalog) {
                return factory.apply(options, catalog);
            }
        };
    }
}
