/** Models as ONNX files: a {@link io.backpack4j.formats.ModelFormat} that a plugin brings. */
@NullMarked
package io.backpack4j.onnx;

import org.jspecify.annotations.NullMarked;
