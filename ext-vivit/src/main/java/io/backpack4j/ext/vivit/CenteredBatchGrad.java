// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.ext.vivit;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;

/**
 * The centred individual gradients, g_n − ḡ with ḡ = (1/N) Σ g_n, {@code [N, *p]}, with the loss's factor in them as in
 * {@code BatchGrad}.
 */
public record CenteredBatchGrad() implements TensorExtension {

    private static final String KEY = "gradients";

    @Override
    public String resultName() {
        return "centered_grad_batch";
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        site.accumulate(KEY, new LossGradient(), new Contraction.PerSample());
    }

    @Override
    public Tensor finish(SitePartial partial) {
        Tensor column = partial.tensor(KEY);
        Tensor result = partial.scope().allocate(column.shape().dropFirst(1), column.dtype());
        try (TensorScope scope = partial.backend().openScope()) {
            Tensor gradients = scope.view(column, result.shape());
            Tensor mean = scope.allocate(partial.shape(), column.dtype());
            Means.over(partial.backend(), gradients, 0, mean);
            partial.backend().elementwise().combine(BinaryOperation.SUBTRACT, gradients, mean, result);
        }
        return result;
    }
}
