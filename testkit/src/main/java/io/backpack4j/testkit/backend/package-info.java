/**
 * What every backend must do: {@link io.backpack4j.testkit.backend.BackendContract}, with a class of checks per group
 * of operations.
 */
@NullMarked
package io.backpack4j.testkit.backend;

import org.jspecify.annotations.NullMarked;
