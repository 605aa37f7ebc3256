// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

/** Says that a node has no counterpart, in words that follow the node's name. */
final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Refusal(String what) {
        super(what);
    }
}
