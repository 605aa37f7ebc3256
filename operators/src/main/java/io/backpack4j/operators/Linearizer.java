// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.operators;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.Linearization;
import io.backpack4j.spi.extension.CurvatureMatrix;
import java.util.List;

/** Linearises a model at a batch. */
@FunctionalInterface
interface Linearizer {

    /** The linearisation; the caller closes it. */
    Linearization linearize(Batch batch, List<CurvatureMatrix> matrices);
}
