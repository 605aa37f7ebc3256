// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

/**
 * One thing that is wrong, in words a user can act on.
 *
 * @param id the kind of problem, such as {@link CommonProblems#SHAPE_MISMATCH}
 * @param message what failed, with which value, what is possible, and what to do
 */
public record Problem(ProblemId id, String message) {

    /** The message with its id in front: {@code [UnknownModule] Node 'a' has …}. */
    @Override
    public String toString() {
        return "[" + id + "] " + message;
    }
}
