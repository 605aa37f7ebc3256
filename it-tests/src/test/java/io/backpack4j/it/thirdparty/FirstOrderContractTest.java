// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.ext.firstorder.BatchGrad;
import io.backpack4j.ext.firstorder.BatchGradRows;
import io.backpack4j.ext.firstorder.BatchL2Grad;
import io.backpack4j.ext.firstorder.SumGradSquared;
import io.backpack4j.ext.firstorder.Variance;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.testkit.extension.ExtensionContract;
import java.util.List;

class FirstOrderContractTest extends ExtensionContract {

    private static final Extension<?> SOME = new BatchGrad(List.of(4, 1, 1));

    @Override
    protected List<Extension<?>> extensions(Catalog catalog) {
        return List.of(
                new BatchGrad(), SOME, new BatchGradRows(), new BatchL2Grad(), new SumGradSquared(), new Variance());
    }

    @Override
    protected boolean dependsOnOrder(Extension<?> extension) {
        return extension.equals(SOME);
    }
}
