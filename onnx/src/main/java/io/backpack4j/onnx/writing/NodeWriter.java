// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.writing;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import java.util.Map;

/**
 * One node while it is written.
 *
 * @param graph where it goes
 * @param name its name, which becomes the name of its output
 * @param type the module's type
 * @param arguments the module's arguments
 * @param inputs the names of its inputs in the file
 * @param samples the shapes of its inputs' samples
 * @param output the shape of its output's samples
 * @param parameters names of initializers by parameter
 */
record NodeWriter(
        GraphWriter graph,
        String name,
        String type,
        Arguments arguments,
        List<String> inputs,
        List<Shape> samples,
        Shape output,
        Map<String, String> parameters) {

    /** A module without counterpart. */
    static final class NotWritable extends RuntimeException {

        private static final long serialVersionUID = 1L;

        NotWritable(String what) {
            super(what);
        }
    }

    String input() {
        return inputs.get(0);
    }

    Shape sample() {
        return samples.get(0);
    }

    boolean has(String parameter) {
        return parameters.containsKey(parameter);
    }

    String parameter(String parameter) {
        String initializer = parameters.get(parameter);
        if (initializer == null) {
            throw new NotWritable("has no " + parameter);
        }
        return initializer;
    }

    /** The last operator of the node. */
    void end(String operator, List<String> operands, Map<String, ?> attributes) {
        graph.addTo(name, operator, operands, attributes);
    }

    /** The only operator of a node with one input. */
    void only(String operator, Map<String, ?> attributes) {
        end(operator, List.of(input()), attributes);
    }

    /** An operator before the last one. */
    String step(String operator, List<String> operands, Map<String, ?> attributes) {
        return graph.add(name + "_" + operator.toLowerCase(java.util.Locale.ROOT), operator, operands, attributes);
    }

    /** One number. */
    String number(double value) {
        return graph.reals(name + "_number", List.of(), value);
    }

    /** Whole numbers. */
    String integers(List<Long> values) {
        return graph.integers(name + "_integers", values);
    }
}
