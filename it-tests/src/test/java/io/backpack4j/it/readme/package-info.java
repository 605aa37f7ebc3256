/** What the README shows works. */
@NullMarked
package io.backpack4j.it.readme;

import org.jspecify.annotations.NullMarked;
