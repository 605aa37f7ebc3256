// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How numbers and names are written. */
class TextTest {

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "-0.0, 0",
        "1, 1.000",
        "-0.00123456, -0.001235",
        "123456, 1.235e+05",
        "1e-9, 1.000e-09",
        "NaN, NaN"
    })
    void numbers_have_four_digits(double value, String text) {
        assertThat(Text.number(value)).isEqualTo(text);
    }

    @Test
    void types_have_the_names_of_files() {
        assertThat(List.of(DType.values())).extracting(Text::of).containsExactly("float32", "float64", "int64");
    }
}
