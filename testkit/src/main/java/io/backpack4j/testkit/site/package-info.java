/** Stand-ins for the kernel's sites and partial results, for tests of extensions without a pass. */
@NullMarked
package io.backpack4j.testkit.site;

import org.jspecify.annotations.NullMarked;
