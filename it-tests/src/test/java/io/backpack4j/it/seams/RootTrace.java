// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;

/** The trace of a parameter's block of the generalised Gauss-Newton matrix. */
record RootTrace() implements TensorExtension {

    @Override
    public String resultName() {
        return "trace";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate("trace", new LossHessianRoot(), new Contraction.Trace());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor("trace");
    }
}
