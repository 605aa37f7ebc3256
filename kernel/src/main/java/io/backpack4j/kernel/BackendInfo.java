// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import io.backpack4j.spi.backend.Availability;

/**
 * A backend that was found.
 *
 * @param id the name by which it is picked
 * @param priority the highest available one is taken when none is picked
 * @param availability what its probe found
 * @param location the jar or folder that it came from
 */
public record BackendInfo(String id, int priority, Availability availability, String location) {}
