// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.Subsampling;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The inner products of a signal's gradients with each other, over all parameters together, and, if wanted, of every
 * parameter for itself. The result of a parameter is empty unless it is wanted.
 */
interface GramMatrix extends NetworkExtension<Optional<Tensor>, Tensor> {

    /** The group and the key of all inner products. */
    String KEY = "gram";

    /** Whose gradients. */
    Signal signal();

    /** Whether every parameter has a matrix of its own, too. */
    boolean layerwise();

    /** The positions in the batch that are taken; all if empty. */
    default Optional<List<Integer>> subsampling() {
        return Optional.empty();
    }

    /**
     * Makes the result of a sum of inner products.
     *
     * @param space where it is allocated
     */
    default Tensor made(Space space, Tensor gram) {
        return gram;
    }

    /** Where results are made. */
    record Space(Backend backend, TensorScope scope, long samples) {}

    @Override
    default void declare(int stage, SiteDeclaration site) {
        Subsampling.requireWithin(this, subsampling(), site.samples());
        CrossInnerProducts products = new CrossInnerProducts(false, subsampling(), subsampling());
        site.accumulateInGroup(KEY, signal(), signal(), products);
        if (layerwise()) {
            site.accumulate(KEY, signal(), signal(), products);
        }
    }

    @Override
    default Optional<Tensor> finish(SitePartial partial) {
        Space space = new Space(partial.backend(), partial.scope(), partial.samples());
        return layerwise() ? Optional.of(made(space, partial.tensor(KEY))) : Optional.empty();
    }

    @Override
    default Map<String, Tensor> export(Optional<Tensor> result) {
        return result.map(tensor -> Map.of("", tensor)).orElse(Map.of());
    }

    @Override
    default Tensor finishNetwork(NetworkPartial partial) {
        return made(new Space(partial.backend(), partial.scope(), partial.samples()), partial.group(KEY));
    }

    @Override
    default Map<String, Tensor> exportNetworkResult(Tensor result) {
        return Map.of("", result);
    }
}
