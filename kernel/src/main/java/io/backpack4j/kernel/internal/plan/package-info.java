/** Works out what a pass has to do, and how to split it. */
@NullMarked
package io.backpack4j.kernel.internal.plan;

import org.jspecify.annotations.NullMarked;
