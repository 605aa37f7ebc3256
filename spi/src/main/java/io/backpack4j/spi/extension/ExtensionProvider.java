// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.Arguments;
import java.util.Optional;
import java.util.function.Function;

/** Makes extensions of one type from options. */
public interface ExtensionProvider {

    /** The name by which users ask for it, unique on a class path. */
    String type();

    /** Makes an extension. Options that it does not ask for are reported to the user as unknown. */
    Extension<?> create(Arguments options);

    /** What it computes, for lists and documents. */
    default Optional<ExtensionDescription> description() {
        return Optional.empty();
    }

    /** This provider, with a description. */
    default ExtensionProvider describedBy(ExtensionDescription description) {
        ExtensionProvider plain = this;
        return new ExtensionProvider() {
            @Override
            public String type() {
                return plain.type();
            }

            @Override
            public Extension<?> create(Arguments options) {
                return plain.create(options);
            }

            @Override
            public Optional<ExtensionDescription> description() {
                return Optional.of(description);
            }
        };
    }

    /** A provider made of a function. */
    static ExtensionProvider of(String type, Function<Arguments, Extension<?>> factory) {
        return new ExtensionProvider() {
            @Override
            public String type() {
                return type;
            }

            @Override
            public Extension<?> create(Arguments options) {
                return factory.apply(options);
            }
        };
    }
}
