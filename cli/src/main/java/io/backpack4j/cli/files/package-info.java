/** Files that commands write, and the models and data that ship with this program. */
@NullMarked
package io.backpack4j.cli.files;

import org.jspecify.annotations.NullMarked;
