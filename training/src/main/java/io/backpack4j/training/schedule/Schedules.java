// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training.schedule;

import io.backpack4j.spi.Arguments;
import io.backpack4j.training.Schedule;
import io.backpack4j.training.ScheduleProvider;
import java.util.List;

/** The schedules of this package. {@link SequentialLR} is a list of others, which users write as such. */
public final class Schedules {

    private Schedules() {}

    /** Providers of all. */
    public static List<ScheduleProvider> all() {
        return List.of(
                ScheduleProvider.of("constant", Schedules::constant),
                ScheduleProvider.of("ConstantLR", ConstantLR::of),
                ScheduleProvider.of("StepLR", StepLR::of),
                ScheduleProvider.of("MultiStepLR", MultiStepLR::of),
                ScheduleProvider.of("ExponentialLR", ExponentialLR::of),
                ScheduleProvider.of("PolynomialLR", PolynomialLR::of),
                ScheduleProvider.of("CosineAnnealingLR", CosineAnnealingLR::of),
                ScheduleProvider.of("CyclicLR", CyclicLR::of),
                ScheduleProvider.of("OneCycleLR", OneCycleLR::of),
                ScheduleProvider.of("LinearLR", LinearLR::of),
                ScheduleProvider.of("ReduceLROnPlateau", ReduceLROnPlateau::of));
    }

    private static Schedule constant(Arguments options) {
        return Schedule.CONSTANT;
    }
}
