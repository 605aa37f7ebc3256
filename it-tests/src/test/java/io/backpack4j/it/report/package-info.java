/** The page that the demo writes. */
@NullMarked
package io.backpack4j.it.report;

import org.jspecify.annotations.NullMarked;
