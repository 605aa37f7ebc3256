// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.timing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/** How long work took. */
class DurationsTest {

    @Test
    void medians_of_even_counts_lie_between() {
        assertThat(Durations.of(List.of(4.0, 1.0, 2.0, 10.0))).isEqualTo(new Durations(3, 1, 10));
        assertThat(Durations.of(List.of(2.0))).isEqualTo(new Durations(2, 2, 2));
        assertThatThrownBy(() -> Durations.of(List.of())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void durations_are_json() {
        assertThat(new Durations(1.5, 1, 1000.25).toJson())
                .isEqualTo("{\"median\": 1.500, \"min\": 1.000, \"max\": 1000.250}");
    }

    @Test
    void actions_are_measured() {
        assertThat(Durations.measure(() -> {})).isBetween(0.0, 1000.0);
    }
}
