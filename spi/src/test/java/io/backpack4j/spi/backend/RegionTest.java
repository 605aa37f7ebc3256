// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

class RegionTest {

    @Test
    void narrowsAxes() {
        Region region = Region.all(Shape.of(4, 5)).with(1, 2, 3);

        assertThat(region).isEqualTo(new Region(List.of(0L, 2L), List.of(1L, 1L), List.of(4L, 3L)));
        assertThat(region.shape()).isEqualTo(Shape.of(4, 3));
    }
}
