// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;

/** What is known of a value of the file's graph before the network runs. */
sealed interface Value permits Constant, Activation, Value.Condition, Value.Failed {

    /**
     * A comparison of what the network computes with a constant.
     *
     * @param operator Greater, IsNaN and the like
     * @param compared the value that is compared
     * @param bound the constant; 0 where there is none
     */
    record Condition(String operator, Activation compared, double bound) implements Value {}

    /** A value of which nothing is known, because what makes it was refused. */
    record Failed() implements Value {}

    /** Whether a type is one of whole numbers. */
    static boolean isInteger(ElementType type) {
        return !type.isFloating();
    }
}
