/** The command {@code cockpit}: the page of logs. */
@NullMarked
package io.backpack4j.cli.cockpit;

import org.jspecify.annotations.NullMarked;
