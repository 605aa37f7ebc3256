/**
 * Where samples come from: {@link io.backpack4j.training.data.DataSource} reads samples by number, {@link
 * io.backpack4j.training.data.Batches} puts them in an order that depends on (seed, epoch) only. Everything here is on
 * the host; a background thread reads ahead.
 */
@NullMarked
package io.backpack4j.training.data;

import org.jspecify.annotations.NullMarked;
