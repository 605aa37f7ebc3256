/** Rules about the structure of the whole. */
@NullMarked
package io.backpack4j.it.architecture;

import org.jspecify.annotations.NullMarked;
