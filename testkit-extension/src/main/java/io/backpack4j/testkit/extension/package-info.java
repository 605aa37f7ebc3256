/**
 * What every extension must do, in passes of the kernel:
 * {@link io.backpack4j.testkit.extension.ExtensionContract}.
 */
@NullMarked
package io.backpack4j.testkit.extension;

import org.jspecify.annotations.NullMarked;
