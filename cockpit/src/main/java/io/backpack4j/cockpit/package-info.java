/**
 * What happens inside a network while it trains. Start at {@link io.backpack4j.cockpit.Cockpit}: it says what a step's
 * pass computes, makes values of the results, and writes them to a log, which a page draws while training goes on.
 */
@NullMarked
package io.backpack4j.cockpit;

import org.jspecify.annotations.NullMarked;
