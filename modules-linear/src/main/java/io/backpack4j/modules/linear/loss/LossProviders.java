// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.linear.loss;

import io.backpack4j.spi.loss.LossProvider;
import io.backpack4j.spi.loss.LossReduction;
import java.util.List;

/** Makes the losses of this package, with PyTorch's names and defaults of arguments. */
public final class LossProviders {

    private LossProviders() {}

    /** All of them. */
    public static List<LossProvider> all() {
        return List.of(
                LossProvider.of("CrossEntropyLoss", CrossEntropyLoss::of),
                LossProvider.of("NLLLoss", NLLLoss::of),
                LossProvider.of("MSELoss", arguments -> new MSELoss(LossReduction.of(arguments))),
                LossProvider.of("BCEWithLogitsLoss", BCEWithLogitsLoss::of),
                LossProvider.of("L1Loss", L1Loss::of),
                LossProvider.of("SmoothL1Loss", SmoothL1Loss::of),
                LossProvider.of("HuberLoss", HuberLoss::of),
                LossProvider.of("PoissonNLLLoss", PoissonNLLLoss::of),
                LossProvider.of("GaussianNLLLoss", GaussianNLLLoss::of),
                LossProvider.of("KLDivLoss", KLDivLoss::of));
    }
}
