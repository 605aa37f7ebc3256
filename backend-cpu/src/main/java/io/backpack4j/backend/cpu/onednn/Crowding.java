// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

/**
 * Whether other programs want the processors that a backend's threads wait on; with a memory, so that it does not
 * flicker.
 */
final class Crowding {

    /** How much of a processor others may take beside all threads: half of one is work, less is what systems do. */
    private static final double BEGINS = 0.5;

    private static final double ENDS = 0.25;

    /** After so many looks without others it is over: less than a second. */
    private static final int CALM_LOOKS = 3;

    private final int threads;
    private final int processors;
    private boolean crowded;
    private int calm;

    /**
     * @param threads how many threads the backend has
     * @param processors how many processors there are
     */
    Crowding(int threads, int processors) {
        this.threads = threads;
        this.processors = processors;
    }

    /**
     * Looks again.
     *
     * @param others how many processors others took since the last look
     */
    boolean after(double others) {
        double lacking = others + threads - processors;
        calm = lacking < ENDS ? calm + 1 : 0;
        crowded = crowded ? calm < CALM_LOOKS : lacking > BEGINS;
        return crowded;
    }
}
