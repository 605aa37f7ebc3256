/**
 * Parameters whose per-sample gradients are sums of outer products.
 *
 * <p>A module hands the two factors to {@link io.backpack4j.spi.module.factored.FactoredParameter} and inherits every contraction.
 */
@NullMarked
package io.backpack4j.spi.module.factored;

import org.jspecify.annotations.NullMarked;
