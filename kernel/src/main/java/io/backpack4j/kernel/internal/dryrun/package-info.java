/** A backend without numbers: it checks shapes and counts bytes, so that a plan can run the very pass that will run. */
@NullMarked
package io.backpack4j.kernel.internal.dryrun;

import org.jspecify.annotations.NullMarked;
