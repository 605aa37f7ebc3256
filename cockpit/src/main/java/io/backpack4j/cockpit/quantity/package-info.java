/**
 * What a cockpit tracks. A {@link io.backpack4j.cockpit.quantity.Quantity} names the extensions that a pass computes
 * for it, and makes a value of their results; a plugin brings more of them as services ({@link
 * io.backpack4j.cockpit.quantity.QuantityProvider}).
 *
 * <p>Formulas are those of F. Schneider, F. Dangel, P. Hennig (2021), "Cockpit: A Practical Debugging Tool for the
 * Training of Deep Neural Networks", unless a class says otherwise. Throughout, g_n is the gradient of sample n's own
 * loss as a mean reduces it, ḡ the mean of these, and N the number of samples, whatever the reduction of the loss.
 */
@NullMarked
package io.backpack4j.cockpit.quantity;

import org.jspecify.annotations.NullMarked;
