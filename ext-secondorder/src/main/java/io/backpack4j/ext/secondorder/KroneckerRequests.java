// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.secondorder;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Optional;

/** What extensions with Kronecker factors ask for, and what they make of it. */
final class KroneckerRequests {

    private static final String OUTPUT = "output side";
    private static final String INPUT = "input side";

    private KroneckerRequests() {}

    /** Asks for both factors, or for the whole block of a parameter without an input side. */
    static void declare(SiteDeclaration site, Signal signal, Optional<KroneckerConvention> wanted) {
        if (site.kronecker().isEmpty()) {
            site.accumulate(OUTPUT, signal, new Contraction.OuterProducts());
            return;
        }
        KroneckerSizes sizes = site.kronecker().get();
        KroneckerConvention convention = wanted.orElse(sizes.convention());
        site.accumulate(OUTPUT, signal, new Contraction.OutputFactor(sizes, convention));
        site.accumulate(INPUT, new LossGradient(), new Contraction.InputFactor(sizes, convention));
    }

    /**
     * The factors of a parameter.
     *
     * @param scale the factor of the output side
     */
    static KroneckerFactors finish(SitePartial partial, double scale) {
        Tensor output = scaled(partial, partial.tensor(OUTPUT), scale);
        if (partial.kronecker().isEmpty()) {
            return KroneckerFactors.block(partial.backend(), partial.shape(), output);
        }
        KroneckerSizes sizes = partial.kronecker().get();
        Tensor input = partial.scope().view(partial.mean(INPUT), sizes.inputFactor());
        return KroneckerFactors.of(partial.backend(), partial.shape(), sizes, output, input);
    }

    /** Partial results are shared: a scaled one is another tensor. */
    private static Tensor scaled(SitePartial partial, Tensor tensor, double scale) {
        if (scale == 1) {
            return partial.scope().view(tensor, tensor.shape());
        }
        Tensor result = partial.scope().allocate(tensor.shape(), tensor.dtype());
        partial.backend().elementwise().affine(tensor, scale, 0, result);
        return result;
    }
}
