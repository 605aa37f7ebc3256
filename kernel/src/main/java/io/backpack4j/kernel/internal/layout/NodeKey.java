// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.spi.extension.NodeReduction;

/**
 * A reduction of a node's outputs, whoever wants it.
 *
 * @param node the node's name
 * @param reduction what is made of its outputs
 */
public record NodeKey(String node, NodeReduction reduction) {}
