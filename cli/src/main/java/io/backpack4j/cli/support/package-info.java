/** The command {@code support}: which extensions work with which modules. */
@NullMarked
package io.backpack4j.cli.support;

import org.jspecify.annotations.NullMarked;
