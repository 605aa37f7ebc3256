// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

/** What a backend's probe found. */
public sealed interface Availability {

    /**
     * The backend can be opened.
     *
     * @param description what would be used, for people: the processor, the libraries, their versions
     */
    record Available(String description) implements Availability {}

    /**
     * The backend cannot be opened on this machine.
     *
     * @param reason what is missing
     * @param remedy what to do about it
     */
    record Unavailable(String reason, String remedy) implements Availability {}
}
