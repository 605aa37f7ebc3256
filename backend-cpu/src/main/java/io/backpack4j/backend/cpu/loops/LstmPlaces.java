// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.backend.cpu.memory.NativeBackend;
import io.backpack4j.spi.backend.LstmSweep;

/**
 * Where the numbers of an {@link LstmSweep} lie. Places count elements from the first of their tensor.
 *
 * @param sweep the steps
 * @param steps T
 * @param samples N
 * @param hidden H
 */
public record LstmPlaces(
        LstmSweep sweep,
        CpuTensor gates,
        CpuTensor h,
        CpuTensor memory,
        CpuTensor bounded,
        long steps,
        long samples,
        long hidden) {

    public static final int INPUT = 0;
    public static final int FORGET = 1;
    public static final int CANDIDATE = 2;
    public static final int OUTPUT = 3;

    public static LstmPlaces of(NativeBackend backend, LstmSweep sweep) {
        return new LstmPlaces(
                sweep,
                backend.own(sweep.gates()),
                backend.own(sweep.h()),
                backend.own(sweep.memory()),
                backend.own(sweep.bounded()),
                sweep.steps(),
                sweep.gates().shape().size(2),
                sweep.gates().shape().size(3));
    }

    /** The numbers of a state. */
    public long state() {
        return samples * hidden;
    }

    /** Where a gate of a step begins. */
    public long gate(int gate, long time) {
        return (gate * steps + time) * state();
    }

    /** Where what every step has one of begins. */
    public long at(long time) {
        return time * state();
    }

    /** Where the states before a step begin. */
    public long before(long time) {
        return sweep.before(time) * state();
    }

    /** Where the states behind a step begin. */
    public long after(long time) {
        return sweep.after(time) * state();
    }
}
