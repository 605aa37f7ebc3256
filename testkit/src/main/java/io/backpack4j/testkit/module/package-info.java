/**
 * What every module must do: {@link io.backpack4j.testkit.module.ModuleContract}, with a class of checks per kind of
 * derivative.
 */
@NullMarked
package io.backpack4j.testkit.module;

import org.jspecify.annotations.NullMarked;
