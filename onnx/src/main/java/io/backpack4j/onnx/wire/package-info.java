/** The wire format of protocol buffers, over bytes of any length. */
@NullMarked
package io.backpack4j.onnx.wire;

import org.jspecify.annotations.NullMarked;
