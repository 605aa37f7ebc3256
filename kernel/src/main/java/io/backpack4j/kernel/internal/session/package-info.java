/** Partial results of several batches as one: what merges and how, and what is known of a session's model. */
@NullMarked
package io.backpack4j.kernel.internal.session;

import org.jspecify.annotations.NullMarked;
