/** The command {@code demo}: results of one batch, as text and as a page. */
@NullMarked
package io.backpack4j.cli.demo;

import org.jspecify.annotations.NullMarked;
