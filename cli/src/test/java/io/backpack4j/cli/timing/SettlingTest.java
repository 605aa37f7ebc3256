// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.timing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SettlingTest {

    /** Nothing can be told of one second and a window to compare it with. */
    @Test
    void equal_times_settle_after_five_windows() {
        Settling settling = new Settling();
        for (int window = 0; window < 5; window++) {
            assertThat(settling.isSettled()).isFalse();
            settling.add(250);
        }
        assertThat(settling.isSettled()).isTrue();
        assertThat(settling.total()).isEqualTo(1250);
    }

    /** 5 % and more within a second are worth waiting for, less is not. */
    @Test
    void times_that_fall_have_not_settled() {
        Settling settling = new Settling();
        double[] medians = {50, 40, 30, 25, 25, 25, 23, 25, 25, 22.8};
        for (double median : medians) {
            window(settling, median);
            assertThat(settling.isSettled()).isFalse();
        }
        // 23 was within the last second until now
        window(settling, 22.8);
        assertThat(settling.isSettled()).isTrue();
    }

    /** Other programs make times longer now and then, which is no gain afterwards. */
    @Test
    void disturbances_do_not_delay() {
        Settling settling = new Settling();
        for (double median : List.of(10., 10., 50., 10., 10.)) {
            window(settling, median);
        }
        assertThat(settling.isSettled()).isTrue();
    }

    /** It is the median that counts, not the fastest pass. */
    @Test
    void single_passes_do_not_count() {
        Settling settling = new Settling();
        for (int window = 0; window < 8; window++) {
            if (window == 6) {
                settling.add(1);
            }
            window(settling, 10);
        }
        assertThat(settling.isSettled()).isTrue();
    }

    private static void window(Settling settling, double median) {
        double start = settling.total();
        while (settling.total() - start < 250) {
            settling.add(median);
        }
    }
}
