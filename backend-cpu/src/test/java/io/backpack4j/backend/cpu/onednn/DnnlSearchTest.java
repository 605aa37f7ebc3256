// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.backend.cpu.loops.NativeLibraries;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Random shapes of every primitive that is in use, between poisoned borders, against plain loops. Long by {@code
 * -Ddnnl.search.millis}, which each primitive gets; {@code ONEDNN_MAX_CPU_ISA} in the environment selects oneDNN's
 * kernels.
 */
class DnnlSearchTest {

    private static final long MILLIS = Long.getLong("dnnl.search.millis", 300);

    @BeforeAll
    static void loadLibraries() {
        assertThat(NativeLibraries.get().onednn()).isPresent();
    }

    @TestFactory
    List<DynamicTest> primitives() {
        List<DynamicTest> tests = new ArrayList<>();
        for (String kind : DnnlSearch.kinds()) {
            tests.add(DynamicTest.dynamicTest(kind, () -> {
                DnnlSearch found = DnnlSearch.of(kind, Variant.seed(), MILLIS, Optional.empty());
                System.out.println(found.row());
                assertThat(found.problems()).as("seed %d", Variant.seed()).isEmpty();
            }));
        }
        return tests;
    }
}
