// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.laplace;

import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.OutputColumns;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/** The Jacobian of a sample's output by a parameter, {@code [C, N, *p]}. */
record OutputJacobian() implements Extension<OutputJacobian.Block> {

    private static final String KEY = "jacobian";

    /**
     * A parameter's part.
     *
     * @param rows {@code [C, N, *p]}
     * @param sizes of its Kronecker factors, if it has an input side
     */
    record Block(Tensor rows, Optional<KroneckerSizes> sizes) {

        long outputs() {
            return rows.shape().size(0);
        }

        long samples() {
            return rows.shape().size(1);
        }

        /** The parameter's number of elements. */
        long size() {
            return rows.shape().elements(2, rows.shape().rank());
        }
    }

    @Override
    public String resultName() {
        return "output_jacobian";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new OutputColumns(), new Contraction.PerSample());
    }

    @Override
    public Block finish(SitePartial partial) {
        return new Block(partial.tensor(KEY), partial.kronecker());
    }

    @Override
    public Map<String, Tensor> export(Block result) {
        return Map.of("", result.rows());
    }
}
