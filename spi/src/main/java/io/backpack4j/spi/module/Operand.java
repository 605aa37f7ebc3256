// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/**
 * Names a tensor that a contraction takes beside the gradients.
 *
 * @param owner the extension that supplies it when the walk gets there, or {@link Source#RUN}
 * @param name the extension's, or the run's, name for it
 */
public record Operand(Object owner, String name) {

    /** What stands for the whole network in the place of a parameter's name. */
    public static final String NETWORK = "*";

    /** Owners that are no extensions. */
    public enum Source {
        /** Whoever starts a run brings the operand with it. */
        RUN
    }

    /** One that a run brings, of the parameter or, if none is declared there, of the network. */
    public static Operand ofRun(String name) {
        return new Operand(Source.RUN, name);
    }

    /** Whether a run brings it. */
    public boolean isOfRun() {
        return owner == Source.RUN;
    }
}
