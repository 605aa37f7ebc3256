// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryAmountTest {

    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "4096, 4096",
        "4096B, 4096",
        "64KiB, 65536",
        "512MiB, 536870912",
        "2GiB, 2147483648",
        "1.5 GiB, 1610612736",
        "1TiB, 1099511627776"
    })
    void reads_amounts(String text, long bytes) {
        assertThat(MemoryAmount.parse(text)).contains(new MemoryAmount(bytes));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "0.1", "-1", "10MB", "10mib", "MiB", "1e3", "99999999999TiB", "0x10"})
    void refuses_what_is_none(String text) {
        assertThat(MemoryAmount.parse(text)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"1, 1 B", "1023, 1023 B", "1024, 1.0 KiB", "1610612736, 1.5 GiB", "9223372036854775807, 8388608.0 TiB"})
    void writes_amounts(long bytes, String text) {
        assertThat(new MemoryAmount(bytes)).hasToString(text);
    }
}
