// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.quantity;

import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.extension.TensorExtension;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * Counts of gradients' elements by bins that an operand of the run names: {@code [bins + 1]}, or with bins of values
 * {@code [bins + 1, valueBins + 1]}.
 *
 * @param bins of gradients
 * @param valueBins of the parameter's values; 0 for none
 * @param operand the operand's name
 */
record GradientHistogram(int bins, int valueBins, String operand) implements TensorExtension {

    private static final String KEY = "counts";

    @Override
    public String resultName() {
        return operand;
    }

    /** The shape of the operand. */
    Shape range() {
        return valueBins == 0 ? Shape.of(2) : Shape.of(2, 2);
    }

    @Override
    public Map<String, Shape> networkOperands() {
        return Map.of(operand, range());
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        Operand range = Operand.ofRun(operand);
        site.accumulate(
                KEY,
                new LossGradient(),
                valueBins == 0
                        ? new Contraction.Histogram(bins, range)
                        : new Contraction.JointHistogram(bins, valueBins, range));
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor(KEY);
    }
}
