// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.ext.secondorder.BatchDiagGGNExact;
import io.backpack4j.ext.secondorder.BatchDiagGGNMC;
import io.backpack4j.ext.secondorder.BatchDiagHessian;
import io.backpack4j.ext.secondorder.DiagGGNExact;
import io.backpack4j.ext.secondorder.DiagGGNMC;
import io.backpack4j.ext.secondorder.DiagHessian;
import io.backpack4j.ext.secondorder.SqrtGGNExact;
import io.backpack4j.ext.secondorder.SqrtGGNMC;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.testkit.extension.ExtensionContract;
import java.util.List;
import java.util.Optional;

class SecondOrderContractTest extends ExtensionContract {

    private static final Extension<?> SOME = new SqrtGGNExact(List.of(4, 1, 1));
    private static final Extension<?> SOME_DRAWN = new SqrtGGNMC(2, Optional.of(List.of(0, 3)));

    @Override
    protected List<Extension<?>> extensions(Catalog catalog) {
        return List.of(
                new DiagGGNExact(),
                new BatchDiagGGNExact(),
                new DiagGGNMC(3),
                new BatchDiagGGNMC(2),
                new SqrtGGNExact(),
                SOME,
                new SqrtGGNMC(2),
                SOME_DRAWN,
                new DiagHessian(),
                new BatchDiagHessian(),
                new DiagHessian(true),
                new BatchDiagHessian(true));
    }

    @Override
    protected boolean dependsOnOrder(Extension<?> extension) {
        return extension.equals(SOME) || extension.equals(SOME_DRAWN);
    }
}
