/** The command {@code doctor}: what the machine and the JVM have, and what to change. */
@NullMarked
package io.backpack4j.cli.doctor;

import org.jspecify.annotations.NullMarked;
