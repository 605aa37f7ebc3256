// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CrowdingTest {

    @Test
    void processors_that_no_thread_waits_on_are_the_others() {
        Crowding crowding = new Crowding(2, 8);
        assertThat(crowding.after(6.4)).isFalse();
        assertThat(crowding.after(6.6)).isTrue();
    }

    @Test
    void it_begins_at_once_and_ends_when_others_stayed_away() {
        Crowding crowding = new Crowding(4, 4);
        assertThat(crowding.after(0)).isFalse();
        assertThat(crowding.after(0.4)).isFalse();
        assertThat(crowding.after(2)).isTrue();
        assertThat(crowding.after(0)).isTrue();
        assertThat(crowding.after(0.1)).isTrue();
        assertThat(crowding.after(0.4))
                .as("what would not begin it lets it go on")
                .isTrue();
        assertThat(crowding.after(0)).isTrue();
        assertThat(crowding.after(0)).isTrue();
        assertThat(crowding.after(0)).isFalse();
        assertThat(crowding.after(0.4)).isFalse();
        assertThat(crowding.after(0.6)).isTrue();
    }
}
