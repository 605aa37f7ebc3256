// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import java.util.Optional;

/** The direct forms that some derivatives have: none, unless a method says otherwise. */
public interface DirectForms extends OtherwiseVisitor<Optional<DirectForm>> {

    @Override
    default Optional<DirectForm> otherwise(Contraction contraction) {
        return Optional.empty();
    }
}
