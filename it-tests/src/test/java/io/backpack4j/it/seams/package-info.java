/** Small plugins of the tests' own, made to break weak seams. */
@NullMarked
package io.backpack4j.it.seams;

import org.jspecify.annotations.NullMarked;
