// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.spi.Arguments;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import java.util.function.Function;

/** Makes schedules of one type from options. Plugins bring it as one of their {@link Plugin#services}. */
public interface ScheduleProvider extends NamedService {

    /** What lists and messages call services of this kind. */
    String KIND = "schedule";

    @Override
    default String kind() {
        return KIND;
    }

    /** Makes a schedule. Options that it does not ask for are reported to the user as unknown. */
    Schedule create(Arguments options);

    /** A provider made of a function. */
    static ScheduleProvider of(String name, Function<Arguments, Schedule> factory) {
        return new ScheduleProvider() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Schedule create(Arguments options) {
                return factory.apply(options);
            }
        };
    }
}
