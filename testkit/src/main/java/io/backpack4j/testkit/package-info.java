/**
 * Checks for the tests of modules, losses and backends, in a package per kind of plugin.
 *
 * <p>Contracts to extend: {@link io.backpack4j.testkit.module.ModuleContract}, {@link
 * io.backpack4j.testkit.loss.LossContract} and {@link io.backpack4j.testkit.backend.BackendContract}. The contract of
 * extensions needs the kernel and stands in an artifact of its own, {@code backpack4j-testkit-extension}. {@link
 * io.backpack4j.testkit.heap.HeapBackend} is the backend that all of them run on, and {@link
 * io.backpack4j.testkit.TestContext} stands in for the kernel. {@link io.backpack4j.testkit.Randomness} prints the seed
 * of all random numbers.
 */
@NullMarked
package io.backpack4j.testkit;

import org.jspecify.annotations.NullMarked;
