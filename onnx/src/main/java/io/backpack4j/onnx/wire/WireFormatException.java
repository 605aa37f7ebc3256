// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.wire;

/** Reports bytes that are not what they should be, in words that follow "the file is damaged: ". */
public final class WireFormatException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public WireFormatException(String what) {
        super(what);
    }
}
