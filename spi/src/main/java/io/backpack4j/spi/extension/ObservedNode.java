// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.extension;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;

/**
 * A node of a network whose outputs an extension may observe. A part of a composition is one, too.
 *
 * @param name its name; that of a composition's part is {@code <node>.<part>}
 * @param module its module, in the mode of the pass
 * @param output the shape {@code *out} of one sample's output
 */
public record ObservedNode(String name, Module module, Shape output) {}
