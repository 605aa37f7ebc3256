// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.backend.cpu.loops.HostKernels;
import io.backpack4j.backend.cpu.loops.KernelSet;
import io.backpack4j.backend.cpu.loops.NativeLibraries;
import io.backpack4j.backend.cpu.loops.NativeThreads;
import io.backpack4j.backend.cpu.onednn.DnnlKernels;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Plugin;
import io.backpack4j.spi.SpiVersion;
import io.backpack4j.spi.backend.Availability;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.BackendConfiguration;
import io.backpack4j.spi.backend.BackendProvider;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class CpuPluginTest {

    private final BackendProvider provider = new CpuPlugin().backends().get(0);

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Plugin.class))
                .filteredOn(CpuPlugin.class::isInstance)
                .singleElement()
                .satisfies(plugin -> {
                    assertThat(plugin.descriptor().id()).isEqualTo("backend-cpu");
                    assertThat(plugin.descriptor().compiledAgainst()).isEqualTo(SpiVersion.MAJOR);
                });
        assertThat(provider.id()).isEqualTo("cpu");
        assertThat(provider.priority()).isZero();
    }

    @Test
    void saysWhatItWouldUse() {
        assertThat(provider.probe())
                .isInstanceOfSatisfying(
                        Availability.Available.class,
                        available -> assertThat(available.description())
                                .contains("ND4J")
                                .contains("OpenBLAS")
                                .containsPattern("ND4J [\\w.-]+, OpenBLAS [\\w.-]+, oneDNN [\\w.-]+; kernels onednn"));
        assertThat(provider.probe()).isSameAs(provider.probe());
    }

    @Test
    void opensTheKernelsThatAreAskedFor() {
        assertThat(kernels(Map.of())).isInstanceOf(DnnlKernels.class);
        assertThat(kernels(Map.of("kernels", "onednn"))).isInstanceOf(DnnlKernels.class);
        assertThat(kernels(Map.of("kernels", "nd4j"))).isInstanceOf(HostKernels.class);
    }

    private KernelSet kernels(Map<String, String> properties) {
        try (Backend backend = provider.open(new BackendConfiguration(1, properties))) {
            assertThat(backend.id()).isEqualTo("cpu");
            return ((CpuBackend) backend).kernels();
        }
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        assertThatThrownBy(() -> kernels(Map.of("kernels", "mkl")))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("UnknownKernels")
                .hasMessageContaining("'mkl'")
                .hasMessageContaining("nd4j and onednn");
        assertThatThrownBy(() -> provider.open(new BackendConfiguration(0, Map.of())))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("InvalidThreads");
    }

    @Test
    void withoutOneDnnItTakesNd4jUnlessAskedOtherwise() {
        var without = new NativeLibraries(new Availability.Available("test"), Optional.empty(), "No library.");
        assertThat(KernelChoice.of(Optional.empty(), without)).isEqualTo(KernelChoice.ND4J);
        assertThatThrownBy(() -> KernelChoice.of(Optional.of("onednn"), without))
                .isInstanceOf(BackpackException.class)
                .hasMessageContaining("MissingLibrary")
                .hasMessageContaining("No library.");
    }

    @Test
    void threadsOfTwoBackendsDoNotMix() {
        try (Backend first = provider.open(new BackendConfiguration(2, Map.of("kernels", "nd4j")))) {
            assertThat(first.memory().openTensors()).isZero();
            assertThat(NativeThreads.openBlas()).isEqualTo(2);
            try (Backend second = provider.open(new BackendConfiguration(2, Map.of()))) {
                assertThat(second.memory().openTensors()).isZero();
                assertThat(NativeThreads.openBlas()).isEqualTo(1);
            }
            assertThat(NativeThreads.openBlas()).isEqualTo(2);
        }
    }
}
