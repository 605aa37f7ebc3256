/** How long work takes. */
@NullMarked
package io.backpack4j.cli.timing;

import org.jspecify.annotations.NullMarked;
