// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.OutputColumns;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a pass makes of the Jacobian's rows of every sample, without storing them. The run brings what P is.
 *
 * @param form in which basis P is known
 * @param vectors K, how many there are for {@link Form#VECTORS}
 */
record OutputCovariance(Form form, int vectors)
        implements NetworkExtension<Map<String, Tensor>, OutputCovariance.Sums> {

    /** Operand of a parameter. */
    static final String OPERAND = "laplace_precision";

    private static final String PRODUCTS = "products";
    private static final String ALONG = "along";

    /** Bases. */
    enum Form {
        /** The operand has one over the root of P's diagonal. */
        DIAGONAL,
        /** The operand is the map of {@link Contraction.MappedInnerProducts} by eigenvectors of Kronecker factors. */
        KRONECKER,
        /** The operand has K vectors {@code [K, *p]}. */
        VECTORS
    }

    /**
     * Sums over parameters.
     *
     * @param products J T Tᵀ Jᵀ by the operands' map T; J Jᵀ for {@link Form#VECTORS}: {@code [N, C, C]}
     * @param along inner products of the vectors with J's rows, {@code [K, C, N]}, if there are any
     */
    record Sums(Tensor products, Optional<Tensor> along) {}

    @Override
    public String resultName() {
        return "output_covariance";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        OutputColumns rows = new OutputColumns();
        if (form == Form.VECTORS) {
            site.accumulateInGroup(PRODUCTS, rows, rows, new CrossInnerProducts(true));
            if (vectors > 0) {
                Operand operand = site.operand(OPERAND, site.shape().prepend(vectors));
                site.accumulate(ALONG, rows, new Contraction.Dot(operand, vectors));
            }
            return;
        }
        Optional<KroneckerSizes> bases = form == Form.DIAGONAL ? Optional.empty() : Optional.of(bases(site));
        Operand operand = site.operand(OPERAND, Contraction.MappedInnerProducts.mapShape(site.shape(), bases));
        site.accumulate(PRODUCTS, rows, new Contraction.MappedInnerProducts(operand, bases));
    }

    /** A parameter without an input side has one factor, its whole block. */
    private static KroneckerSizes bases(SiteDeclaration site) {
        return site.kronecker()
                .orElseGet(() -> KroneckerSizes.matrix(site.shape().elements(), 1));
    }

    @Override
    public Map<String, Tensor> finish(SitePartial partial) {
        return Map.of();
    }

    @Override
    public Map<String, Tensor> export(Map<String, Tensor> result) {
        return result;
    }

    @Override
    public Sums finishNetwork(NetworkPartial partial) {
        Tensor products = form == Form.VECTORS ? partial.group(PRODUCTS) : sum(partial, PRODUCTS);
        return new Sums(
                products, form == Form.VECTORS && vectors > 0 ? Optional.of(sum(partial, ALONG)) : Optional.empty());
    }

    private static Tensor sum(NetworkPartial partial, String key) {
        Tensor first = partial.sites().get(0).tensor(key);
        Tensor sum = partial.scope().allocate(first.shape(), first.dtype());
        partial.backend().elementwise().copy(first, sum);
        partial.sites().stream()
                .skip(1)
                .forEach(site -> partial.backend().elementwise().addScaled(1, site.tensor(key), sum));
        return sum;
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(Sums result) {
        Map<String, Tensor> tensors = new HashMap<>();
        tensors.put(PRODUCTS, result.products());
        result.along().ifPresent(along -> tensors.put(ALONG, along));
        return tensors;
    }
}
