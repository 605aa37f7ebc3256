/**
 * What third parties write: a jar compiled outside of this build, jars that are broken, and the contracts of the
 * testkit.
 */
@NullMarked
package io.backpack4j.it.thirdparty;

import org.jspecify.annotations.NullMarked;
