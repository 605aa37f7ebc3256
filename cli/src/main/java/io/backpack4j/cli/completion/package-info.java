/** The command {@code generate-completion}: a script with which shells complete command lines. */
@NullMarked
package io.backpack4j.cli.completion;

import org.jspecify.annotations.NullMarked;
