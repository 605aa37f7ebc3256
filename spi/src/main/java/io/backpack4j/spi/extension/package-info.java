/**
 * What a quantity is: signals that travel backwards, contractions of per-sample gradients, and what is made of them.
 *
 * <p>Start at {@link io.backpack4j.spi.extension.Extension}. An extension declares what it needs per parameter, the
 * kernel computes equal needs once, accumulates them over chunks and column blocks, and asks the extension to finish.
 * It knows neither layers nor backends. A {@link io.backpack4j.spi.extension.CurvatureExtension} also makes blocks of
 * its results, with which anybody can precondition.
 */
@NullMarked
package io.backpack4j.spi.extension;

import org.jspecify.annotations.NullMarked;
