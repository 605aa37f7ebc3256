/** Options that several commands take, as mixins, and how the values of options are read. */
@NullMarked
package io.backpack4j.cli.options;

import org.jspecify.annotations.NullMarked;
