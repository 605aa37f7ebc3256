// SPDX-License-Identifier: Apache-2.0
/**
 * Which training samples made a prediction what it is: {@link io.backpack4j.influence.Influence}, by inverses of
 * curvature; and whose labels are probably wrong: {@link io.backpack4j.influence.LabelAudit}.
 */
@NullMarked
package io.backpack4j.influence;

import org.jspecify.annotations.NullMarked;
