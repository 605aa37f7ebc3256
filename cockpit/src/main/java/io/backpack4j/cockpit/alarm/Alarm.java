// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.alarm;

/**
 * Something that goes wrong.
 *
 * @param name the rule's name, such as {@code step-too-large}
 * @param step where it was seen
 * @param message what, in a sentence, and what may be done
 * @param rule when it is raised, with its threshold
 */
public record Alarm(String name, long step, String message, String rule) {}
