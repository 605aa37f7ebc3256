/** Numbers that say how good outputs are. Sums are kept in double precision on the host. */
@NullMarked
package io.backpack4j.training.metric;

import org.jspecify.annotations.NullMarked;
