// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Availability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the probe says on machines with and without what CUDA needs. */
class CudaProbeTest {

    private static final String LIBRARY_12 = "libcublas.so.12";

    @TempDir
    private Path directory;

    private Availability probe(Callable<String> devices, String... files) throws IOException {
        for (String file : files) {
            Files.createFile(directory.resolve(file));
        }
        return new CudaProbe(Optional.empty(), () -> new CudaLibraries(List.of(directory)), devices).run();
    }

    private static Callable<String> never() {
        return () -> {
            throw new AssertionError("Nothing may be loaded");
        };
    }

    private static Availability.Unavailable unavailable(Availability found) {
        assertThat(found).isInstanceOf(Availability.Unavailable.class);
        Availability.Unavailable missing = (Availability.Unavailable) found;
        assertThat(missing.reason()).doesNotContain("\n").endsWith(".");
        assertThat(missing.remedy()).doesNotContain("\n").endsWith(".");
        return missing;
    }

    @Test
    void withoutADriverNothingIsLoaded() throws IOException {
        Availability.Unavailable missing = unavailable(probe(never(), LIBRARY_12));
        assertThat(missing.reason()).contains("no NVIDIA driver", "libcuda.so.1");
        assertThat(missing.remedy()).contains("driver", "--gpus all", "--backend cpu");
    }

    @Test
    void missingLibrariesAreNamed() throws IOException {
        Availability.Unavailable missing = unavailable(probe(never(), "libcuda.so.1", LIBRARY_12, "libcublasLt.so.12"));
        assertThat(missing.reason()).contains("libnvrtc.so.12 is missing").doesNotContain(LIBRARY_12);
        assertThat(missing.remedy()).contains("nvidia-cuda-nvrtc-cu12", "LD_LIBRARY_PATH");
    }

    @Test
    void aNewerToolkitIsMentioned() throws IOException {
        Availability.Unavailable missing =
                unavailable(probe(never(), "libcuda.so.1", "libcublas.so.13", "libcublasLt.so.13", "libnvrtc.so.13"));
        assertThat(missing.reason())
                .contains("libcublas.so.12")
                .contains("libnvrtc.so.12")
                .contains("libcublas.so.13")
                .contains("libnvrtc.so.13");
    }

    @Test
    void whatIsThereAndWorksIsDescribed() throws IOException {
        Availability found =
                probe(() -> "NVIDIA H200", "libcuda.so.1", LIBRARY_12, "libcublasLt.so.12", "libnvrtc.so.12");
        assertThat(found).isEqualTo(new Availability.Available("NVIDIA H200"));
    }

    @Test
    void whateverIsThrownIsAReason() throws IOException {
        Callable<String> broken = () -> {
            throw new UnsatisfiedLinkError("libJCudaDriver.so: wrong ELF class\nat somewhere");
        };
        Availability.Unavailable missing =
                unavailable(probe(broken, "libcuda.so.1", LIBRARY_12, "libcublasLt.so.12", "libnvrtc.so.12"));
        assertThat(missing.reason()).contains("wrong ELF class").doesNotContain("somewhere");
        assertThat(missing.remedy()).contains("nvidia-smi");
    }

    @Test
    void otherPlatformsAreNamed() {
        Availability found = new CudaProbe(Optional.of("Mac OS X on aarch64"), () -> null, never()).run();
        assertThat(unavailable(found).reason()).contains("Mac OS X on aarch64");
        assertThat(CudaLibraries.isSupportedPlatform("Linux", "amd64")).isTrue();
        assertThat(CudaLibraries.isSupportedPlatform("Linux", "aarch64")).isFalse();
        assertThat(CudaLibraries.isSupportedPlatform("Windows 11", "amd64")).isFalse();
    }

    @Test
    void thisMachineIsProbedWithoutAnException() {
        assertThat(new CudaPlugin().backends().get(0).probe()).isNotNull();
    }
}
