// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.List;

/**
 * A product of a weight, or of a block of its rows, with one vector: y = W x, at one position of one node.
 *
 * @param weight the weight's name, the node's own or its full one
 * @param firstRow the first row of the block
 * @param input x
 * @param output y, with the bias
 */
record WeightUse(String weight, int firstRow, List<Value> input, List<Value> output) {}
