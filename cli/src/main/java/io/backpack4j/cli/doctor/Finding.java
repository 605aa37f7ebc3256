// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.doctor;

/**
 * One result of a checkup.
 *
 * @param state how bad it is
 * @param topic what was looked at
 * @param text what was found
 * @param advice what to do; empty if nothing
 */
record Finding(State state, String topic, String text, String advice) {

    /** How bad something is. */
    enum State {
        FINE("ok"),
        ADVISED("!"),
        BROKEN("FAILED");

        private final String mark;

        State(String mark) {
            this.mark = mark;
        }

        String mark() {
            return mark;
        }
    }

    static Finding fine(String topic, String text) {
        return new Finding(State.FINE, topic, text, "");
    }

    static Finding advised(String topic, String text, String advice) {
        return new Finding(State.ADVISED, topic, text, advice);
    }

    static Finding broken(String topic, String text) {
        return new Finding(State.BROKEN, topic, text, "");
    }
}
