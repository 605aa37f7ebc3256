// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.extension;

import io.backpack4j.kernel.Graph;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.Shape;

/**
 * A network that an extension is tested with.
 *
 * @param name for messages
 * @param graph the network, with the input {@value Graph#INPUT} of real numbers
 * @param loss its loss
 * @param input the shape of one sample's input
 * @param targets the shape of one sample's targets
 * @param classes the number of classes that targets are drawn from, or 0 for real targets between 0 and 1
 */
public record NetworkCase(String name, Graph graph, Loss loss, Shape input, Shape targets, int classes) {

    /** A network whose targets are real numbers between 0 and 1. */
    public static NetworkCase real(String name, Graph graph, Loss loss, Shape input, Shape targets) {
        return new NetworkCase(name, graph, loss, input, targets, 0);
    }

    /** A network with one class per sample. */
    public static NetworkCase classes(String name, Graph graph, Loss loss, Shape input, int classes) {
        return new NetworkCase(name, graph, loss, input, Shape.of(), classes);
    }

    @Override
    public String toString() {
        return name;
    }
}
