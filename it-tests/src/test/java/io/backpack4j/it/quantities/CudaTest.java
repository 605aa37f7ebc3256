// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.quantities;

import io.backpack4j.backend.cuda.DeviceRequired;
import io.backpack4j.backend.cuda.EmulatedCuda;
import io.backpack4j.backend.cuda.EmulationRequired;
import io.backpack4j.kernel.BackPack;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The reference cases and random networks with the CUDA backend: on a device where there is one, and emulated where a
 * compiler is.
 */
class CudaTest {

    private static final int NETWORKS = 20;

    private static BackPack open(String backend) {
        return BackPack.builder()
                .classLoader(EmulatedCuda.loader())
                .backend(backend)
                .build();
    }

    private static void checkReferences(Setting setting, String backend) {
        try (Passes passes = new Passes(setting, open(backend))) {
            ReferenceCasesTest.cases().forEach(reference -> ReferenceCasesTest.check(setting, passes, reference));
        }
    }

    private static void checkNetworks(Setting setting, String backend) {
        try (Passes passes = new Passes(setting, open(backend))) {
            for (int network = 0; network < NETWORKS; network++) {
                RandomNetworksTest.check(setting, passes, network);
            }
        }
    }

    @Nested
    @DeviceRequired
    class OnADevice {

        @ParameterizedTest
        @EnumSource(names = {"FLOAT32", "FLOAT64"})
        void results_are_those_of_the_reference(Setting setting) {
            checkReferences(setting, "cuda");
        }

        @ParameterizedTest
        @EnumSource(names = {"FLOAT32", "FLOAT64"})
        void random_networks_have_the_quantities_of_the_oracle(Setting setting) {
            checkNetworks(setting, "cuda");
        }
    }

    @Nested
    @EmulationRequired
    class Emulated {

        @ParameterizedTest
        @EnumSource(names = {"FLOAT32", "FLOAT64"})
        void results_are_those_of_the_reference(Setting setting) {
            // Every launch of the emulation looks at the borders of all memory: hundreds of products take minutes.
            try (Passes passes = new Passes(setting, open(EmulatedCuda.ID))) {
                ReferenceCasesTest.cases()
                        .forEach(reference -> ReferenceCasesTest.checkQuick(setting, passes, reference));
            }
        }

        @ParameterizedTest
        @EnumSource(names = {"FLOAT32", "FLOAT64"})
        void random_networks_have_the_quantities_of_the_oracle(Setting setting) {
            checkNetworks(setting, EmulatedCuda.ID);
        }
    }
}
