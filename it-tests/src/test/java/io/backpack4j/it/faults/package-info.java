/** Cases that once failed, with the right values. */
@NullMarked
package io.backpack4j.it.faults;

import org.jspecify.annotations.NullMarked;
