// SPDX-License-Identifier: Apache-2.0
/** What a pass will cost: operations that a dry run wrote down, at the speed of this machine. */
@NullMarked
package io.backpack4j.kernel.internal.cost;

import org.jspecify.annotations.NullMarked;
