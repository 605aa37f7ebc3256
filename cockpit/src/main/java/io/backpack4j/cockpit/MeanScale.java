// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.Shape;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What makes quantities those of a mean loss, whatever its reduction is.
 *
 * @param samples N
 * @param own the factor c of the loss
 * @param mean the factor that a mean would have
 */
record MeanScale(long samples, double own, double mean) {

    private static final String REDUCTION = "reduction";

    /** The loss that reduces as a mean: the model's own if it does, or does not say how it reduces. */
    static Loss meanLoss(BackPack backpack, Loss loss) {
        try {
            Map<String, @Nullable Object> arguments = new LinkedHashMap<>(loss.arguments());
            if (!"sum".equals(arguments.get(REDUCTION))) {
                return loss;
            }
            arguments.put(REDUCTION, "mean");
            return backpack.catalog().loss(new LossDescription(loss.type(), arguments));
        } catch (BackpackException e) {
            return loss;
        }
    }

    static MeanScale of(Loss loss, Loss meanLoss, Shape output, Batch batch) {
        double own = loss.normaliser(output, batch.targets());
        double mean = meanLoss == loss ? own : meanLoss.normaliser(output, batch.targets());
        return new MeanScale(batch.samples(), own, mean);
    }

    /** What losses of single samples without factor are multiplied by. */
    double ofLosses() {
        return samples * mean;
    }

    /** What gradients of single samples, with the loss's factor, are multiplied by. */
    double ofSamples() {
        return samples * mean / own;
    }

    /** What the reduced loss, its gradient and its curvature are multiplied by. */
    double ofBatch() {
        return mean / own;
    }
}
