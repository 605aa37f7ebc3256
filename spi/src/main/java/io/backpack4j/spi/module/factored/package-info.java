/**
 * Parameters whose per-sample gradients are sums of outer products, and biases, which have one factor only.
 *
 * <p>A module hands the two factors to {@link io.backpack4j.spi.module.factored.FactoredParameter}, or the cotangents
 * to {@link io.backpack4j.spi.module.factored.BiasDerivatives}, and inherits every contraction.
 */
@NullMarked
package io.backpack4j.spi.module.factored;

import org.jspecify.annotations.NullMarked;
