// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import java.util.List;
import java.util.Optional;

/**
 * Signals of one stage.
 *
 * @param signals the signals that start at the loss
 * @param residual the curvature of non-linear nodes, if the stage wants it; it starts at nodes
 * @param waiting the signals that chunks are walked with once more at the end of the stage, to the sites where results
 *     {@linkplain SiteLayout#waits wait} for those of the whole batch
 */
record StageLayout(List<SignalLayout> signals, Optional<SignalLayout> residual, List<SignalLayout> waiting) {}
