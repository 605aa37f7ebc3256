// SPDX-License-Identifier: Apache-2.0
/**
 * Extensions and the cockpit beside a training loop of the Deep Java Library. Start at {@link
 * io.backpack4j.djl.BackPackListener}.
 */
@NullMarked
package io.backpack4j.djl;

import org.jspecify.annotations.NullMarked;
