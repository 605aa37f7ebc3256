// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.metric;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Metric;
import io.backpack4j.training.data.HostTensor;

/**
 * How often the target's class is among the k with the largest outputs, from 0 to 1. Targets that are no class do not
 * count.
 *
 * @param k how many
 */
public record TopK(int k) implements Metric {

    public TopK {
        if (k < 1) {
            throw new BackpackException(
                    CommonProblems.INVALID_ARGUMENT,
                    "A target cannot be among the first %d classes. Take at least 1.".formatted(k));
        }
    }

    @Override
    public String name() {
        return "top_" + k + "_accuracy";
    }

    @Override
    public Sum start() {
        return new Counted(k);
    }

    /** What was counted. */
    static final class Counted extends Fraction {

        private final int k;

        Counted(int k) {
            this.k = k;
        }

        @Override
        public void add(Shape shape, double[] outputs, HostTensor targets) {
            Classes classes = Classes.of(shape, outputs, targets);
            for (int n = 0; n < classes.samples(); n++) {
                for (int s = 0; s < classes.positions(); s++) {
                    long target = classes.target(n, s);
                    if (classes.classes() == 1) {
                        add(classes.score(n, s, 0) > 0 == (target == 1) ? 1 : 0);
                    } else if (classes.isClass(target)) {
                        add(classes.rank(n, s, target) < k ? 1 : 0);
                    }
                }
            }
        }
    }
}
