/** The log of a run: JSON lines, what reads them, and what they can be exported to. */
@NullMarked
package io.backpack4j.cockpit.log;

import org.jspecify.annotations.NullMarked;
