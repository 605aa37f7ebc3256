// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.tensor.Shape;

/**
 * One tensor of a safetensors file.
 *
 * @param name unique within the file
 * @param type the type of its elements
 * @param shape its shape
 * @param begin where its bytes begin in the file's data section
 * @param end where they end, exclusive
 */
public record TensorInfo(String name, SafetensorsType type, Shape shape, long begin, long end) {}
