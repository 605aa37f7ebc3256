// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

/**
 * Something that a plugin provides under a name, of a kind that these contracts do not know: what a room on top of the
 * kernel looks for, such as its optimisers. That room defines the kind as an interface of its own, and finds all
 * services of it in the catalogue:
 *
 * <pre>{@code
 * public interface OptimizerProvider extends NamedService {
 *     default String kind() {
 *         return "optimizer";
 *     }
 *
 *     Optimizer create(Arguments arguments);
 * }
 *
 * OptimizerProvider adam = backpack.catalog().service(OptimizerProvider.class, "Adam");
 * }</pre>
 *
 * <p>What goes wrong with a service's jar is reported as for modules and extensions: two services of one kind and name,
 * a jar that is broken, a plugin of another version of the contracts.
 */
public interface NamedService {

    /** What it is, for lists and messages: one lower-case word or two, the same for all services of a kind. */
    String kind();

    /** The name, unique among the services of its kind on a class path. */
    String name();
}
