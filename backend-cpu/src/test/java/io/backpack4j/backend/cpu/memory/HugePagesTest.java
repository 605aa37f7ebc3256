// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.backpack4j.backend.cpu.Variant;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.MemoryAccount;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.TensorScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Large blocks begin where a huge page does, and the system is told that they may have some. */
class HugePagesTest {

    private static final int LARGE = 8 << 20;

    /** What Linux calls a mapping that was advised. */
    private static final String ADVISED = "hg";

    private static CpuTensor tensor(TensorScope scope, long bytes) {
        CpuTensor tensor = (CpuTensor) scope.allocate(Shape.of(bytes / Float.BYTES), DType.FLOAT32);
        tensor.block.putFloat(0, 1);
        tensor.block.putFloat(bytes - Float.BYTES, 2);
        return tensor;
    }

    /** The flags of the mapping that an address is in. */
    private static String flags(long address) throws IOException {
        boolean found = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            String[] range = line.split(" ")[0].split("-");
            if (range.length == 2) {
                found = Long.compareUnsigned(address, Long.parseUnsignedLong(range[0], 16)) >= 0
                        && Long.compareUnsigned(address, Long.parseUnsignedLong(range[1], 16)) < 0;
            } else if (found && line.startsWith("VmFlags:")) {
                return line.substring("VmFlags:".length()) + " ";
            }
        }
        throw new IllegalStateException("No mapping has the address " + Long.toHexString(address));
    }

    @Test
    void large_blocks_are_advised() throws IOException {
        HugePages pages = HugePages.of(Optional.empty());
        assumeThat(pages.available()).as("this system has huge pages").isTrue();
        try (Backend backend = Variant.open(Map.of());
                TensorScope scope = backend.openScope()) {
            CpuTensor large = tensor(scope, LARGE);
            long pageBytes = pages.alignment(LARGE);
            assertThat(pageBytes).isGreaterThanOrEqualTo(1 << 20);
            assertThat(large.address() % pageBytes).isZero();
            assertThat(flags(large.address())).contains(" " + ADVISED + " ");
            assertThat(flags(large.address() + LARGE - 1)).contains(" " + ADVISED + " ");
            assertThat(pages.alignment(pageBytes - 1)).isEqualTo(SizeClass.ALIGNMENT);
            assertThat(backend.memory().pooledBytes()).isEqualTo(LARGE);
            assertThat(large.toFloatArray()[LARGE / Float.BYTES - 1]).isEqualTo(2);
        }
    }

    /** What is left of freed blocks in the C library would be more with huge pages. */
    @Test
    void with_a_budget_only_blocks_that_are_mapped_alone_have_some() throws IOException {
        HugePages pages = HugePages.of(Optional.empty());
        assumeThat(pages.available()).as("this system has huge pages").isTrue();
        try (Backend backend = Variant.open(Map.of());
                TensorScope scope = backend.openScope();
                MemoryAccount account =
                        backend.openAccount(128 << 20, 128 << 20).orElseThrow()) {
            assertThat(flags(tensor(scope, 40 << 20).address())).contains(" " + ADVISED + " ");
            assertThat(account.usedBytes()).isEqualTo(40L << 20);
            assertThat(pages.unless(true, 40 << 20)).isSameAs(pages);
            assertThat(pages.unless(true, 30 << 20)).isSameAs(HugePages.NONE);
            assertThat(pages.unless(false, 30 << 20)).isSameAs(pages);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"onednn", "nd4j"})
    void who_wants_none_has_none(String kernels) throws IOException {
        assumeThat(Files.isReadable(Path.of("/proc/self/smaps"))).isTrue();
        try (Backend backend = Variant.open(Map.of("kernels", kernels, "huge_pages", "never"));
                TensorScope scope = backend.openScope()) {
            // Larger than what the C library hands out again, which somebody may have advised before.
            CpuTensor large = tensor(scope, 64 << 20);
            assertThat(flags(large.address())).doesNotContain(" " + ADVISED + " ");
        }
    }

    @Test
    void other_wishes_are_refused() {
        assertThatThrownBy(() -> Variant.open(Map.of("huge_pages", "always")))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidOption] backpack.cpu.huge_pages is 'always', but must be auto or never.");
    }
}
