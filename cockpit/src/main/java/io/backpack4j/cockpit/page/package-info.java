/** The page that draws a log: as one file, or live while a run goes on. */
@NullMarked
package io.backpack4j.cockpit.page;

import org.jspecify.annotations.NullMarked;
