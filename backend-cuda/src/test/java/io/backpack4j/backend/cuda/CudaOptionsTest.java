// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.backpack4j.spi.backend.BackendConfiguration;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Properties {@code backpack.cuda.*}. */
class CudaOptionsTest {

    private static CudaOptions of(Map<String, String> properties) {
        return CudaOptions.of(new BackendConfiguration(1, properties));
    }

    @Test
    void withoutPropertiesTheFirstDeviceIsExact() {
        CudaOptions options = of(Map.of());
        assertThat(options.device()).isZero();
        assertThat(options.tensorFloat32()).isFalse();
        assertThat(options.cache()).get().asString().endsWith("/.cache/backpack4j/cuda");
    }

    @Test
    void propertiesAreRead() {
        CudaOptions options = of(Map.of("device", "2", "tf32", "true", "cache", "/tmp/kernels"));
        assertThat(options.device()).isEqualTo(2);
        assertThat(options.tensorFloat32()).isTrue();
        assertThat(options.cache()).contains(Path.of("/tmp/kernels"));
        assertThat(of(Map.of("cache", "none")).cache()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"device, -1", "device, gpu", "tf32, yes", "tf23, true"})
    void mistakesAreNamed(String name, String value) {
        assertThatThrownBy(() -> of(Map.of(name, value))).hasMessageContaining("backpack.cuda." + name);
    }

    @ParameterizedTest
    @CsvSource({"0, 256", "1, 256", "256, 256", "257, 512", "4096, 4096", "4097, 4608", "1048577, 1179648"})
    void blocksHaveEightSizesPerPowerOfTwo(long bytes, long size) {
        assertThat(BlockSizes.eighths(bytes)).isEqualTo(size);
    }
}
