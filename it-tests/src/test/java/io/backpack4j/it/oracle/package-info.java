/**
 * What networks compute, said a second time: number by number, sample by sample, in double precision, and with no code
 * of the library but its model descriptions.
 *
 * <p>{@link io.backpack4j.it.oracle.Value} differentiates, {@link io.backpack4j.it.oracle.Sample} evaluates one sample,
 * {@link io.backpack4j.it.oracle.FirstOrder} makes quantities of samples. Derivatives of {@code Value} can be
 * differentiated again, so that Jacobians and Hessians come the same way.
 */
@NullMarked
package io.backpack4j.it.oracle;

import org.jspecify.annotations.NullMarked;
