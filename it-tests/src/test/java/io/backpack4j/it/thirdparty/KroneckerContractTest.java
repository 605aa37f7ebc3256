// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import io.backpack4j.ext.secondorder.Fisher;
import io.backpack4j.ext.secondorder.KFAC;
import io.backpack4j.ext.secondorder.KFLR;
import io.backpack4j.ext.secondorder.KFRA;
import io.backpack4j.kernel.Catalog;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.KroneckerConvention;
import io.backpack4j.testkit.extension.ExtensionContract;
import java.util.List;
import java.util.Optional;

class KroneckerContractTest extends ExtensionContract {

    @Override
    protected List<Extension<?>> extensions(Catalog catalog) {
        return List.of(
                new KFAC(),
                new KFAC(3, Fisher.MC, Optional.of(KroneckerConvention.REDUCE)),
                KFAC.empirical(),
                new KFLR(),
                new KFLR(Optional.of(KroneckerConvention.BACKPACK)),
                new KFRA(),
                new KFRA(Optional.of(KroneckerConvention.REDUCE)));
    }
}
