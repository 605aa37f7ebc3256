// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.metric;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.Metric;
import io.backpack4j.training.data.HostTensor;

/** The mean of squares of what outputs differ from targets of the same shape. */
public record MeanSquaredError() implements Metric {

    @Override
    public String name() {
        return "mse";
    }

    @Override
    public boolean higherIsBetter() {
        return false;
    }

    @Override
    public Sum start() {
        return new Fraction() {
            @Override
            public void add(Shape shape, double[] outputs, HostTensor targets) {
                for (int i = 0; i < outputs.length; i++) {
                    double difference = outputs[i] - targets.value(i);
                    add(difference * difference);
                }
            }
        };
    }
}
