// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.memory.Arrangement;

/**
 * Positions of maxima as oneDNN's pooling numbers them: elements of the window, one or four bytes each, channels last.
 *
 * @param pooling the sizes of the pooling
 * @param channels C
 */
record WindowElements(WindowSizes pooling, long channels) implements Arrangement {}
