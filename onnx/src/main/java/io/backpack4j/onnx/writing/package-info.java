/** Models of this library as ONNX files. */
@NullMarked
package io.backpack4j.onnx.writing;

import org.jspecify.annotations.NullMarked;
