// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.backpack4j.spi.BackpackException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsInvalidTest {

    @TempDir
    Path directory;

    static Stream<Arguments> headers() {
        return Stream.of(
                arguments(
                        " {}",
                        0,
                        "is not a safetensors file: its header does not begin with '{', directly after its length."),
                arguments(
                        "{} x",
                        0,
                        "is not valid JSON at line 1, column 5 of its header. Unrecognized token 'x': was expecting"
                                + " (JSON String, Number, Array, Object or token 'null', 'true' or 'false')."),
                arguments(
                        "{} {}",
                        0,
                        "is not valid JSON at line 1, column 4 of its header. Something follows the JSON object."),
                arguments(
                        "{\"a\":1,\"a\":2}",
                        0,
                        "is not valid JSON at line 1, column 8 of its header. The key 'a' is given twice."),
                arguments(
                        "{\"a\":99999999999999999999}",
                        0,
                        "is not valid JSON at line 1, column 6 of its header."
                                + " The integer 99999999999999999999 does not fit into 64 bits."),
                arguments(
                        "{\"a\":" + "[".repeat(100_000),
                        0,
                        "is not valid JSON at line 1, column 38 of its header. Document nesting depth (33) exceeds the"
                                + " maximum allowed (32)."),
                arguments("{\"a\":5}", 0, tensor("must be an object of exactly data_offsets, dtype, shape")),
                arguments(
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}",
                        0,
                        tensor("must be an object of exactly data_offsets, dtype, shape")),
                arguments(
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":0}}",
                        4,
                        tensor("must be an object of exactly data_offsets, dtype, shape")),
                arguments(
                        entry("\"F31\"", "[1]", "[0,4]"),
                        4,
                        tensor("has dtype 'F31', which is not known."
                                + " Possible: BF16, BOOL, F16, F32, F64, I16, I32, I64, I8, U16, U32, U64, U8")),
                arguments(
                        entry("7", "[1]", "[0,4]"),
                        4,
                        tensor("has dtype '7', which is not known."
                                + " Possible: BF16, BOOL, F16, F32, F64, I16, I32, I64, I8, U16, U32, U64, U8")),
                arguments(
                        entry("\"F32\"", "[-1]", "[0,4]"),
                        4,
                        tensor("has shape '[-1]', but must have a list of integers that are not negative")),
                arguments(
                        entry("\"F32\"", "[1.0]", "[0,4]"),
                        4,
                        tensor("has shape '[1.0]', but must have a list of integers that are not negative")),
                arguments(
                        entry("\"F32\"", "4", "[0,4]"),
                        4,
                        tensor("has shape '4', but must have a list of integers that are not negative")),
                arguments(
                        entry("\"F32\"", "[9000000000000000000,9]", "[0,4]"),
                        4,
                        tensor("has shape [9000000000000000000, 9] with more elements than can be counted")),
                arguments(
                        entry("\"F32\"", "[1]", "[0]"),
                        4,
                        tensor("has data_offsets [0], but must have [begin, end], begin <= end")),
                arguments(
                        entry("\"F32\"", "[1]", "[4,0]"),
                        4,
                        tensor("has data_offsets [4, 0], but must have [begin, end], begin <= end")),
                arguments(
                        entry("\"F32\"", "[1]", "[0,null]"),
                        4,
                        tensor("has data_offsets '[0, null]', but must have a list of integers that are not negative")),
                arguments(
                        entry("\"F32\"", "[2]", "[0,8]"),
                        4,
                        tensor("has data_offsets [0, 8], but the data section has 4 bytes."
                                + " The file is cut short or damaged")),
                arguments(
                        entry("\"F32\"", "[2]", "[0,4]"),
                        4,
                        tensor("has 4 bytes, but shape [2] of F32 needs 2 times 4")),
                arguments(
                        entry("\"F64\"", "[2305843009213693952]", "[0,0]"),
                        0,
                        tensor("has 0 bytes, but shape [2305843009213693952] of F64 needs 2305843009213693952"
                                + " times 8")),
                arguments(
                        entry("\"U8\"", "[2]", "[1,3]"),
                        3,
                        tensor("begins at byte 1 of the data, but the tensor before it ends at 0."
                                + " There must be no gap")),
                arguments(
                        "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                                + entry("\"U8\"", "[2]", "[1,3]").substring(1),
                        3,
                        tensor("begins at byte 1 of the data, but the tensor before it ends at 2."
                                + " Tensors must not overlap")),
                arguments(
                        entry("\"U8\"", "[2]", "[0,2]"),
                        3,
                        "has a data section of length 3, but its tensors end at 2."),
                arguments("{}", 1, "has a data section of length 1, but its tensors end at 0."),
                arguments("{\"__metadata__\":[]}", 0, "has '__metadata__' that is not an object of strings."),
                arguments(
                        "{\"__metadata__\":{\"x\":1}}",
                        0,
                        "has '__metadata__' with the key 'x' that is not a string."));
    }

    @ParameterizedTest
    @MethodSource("headers")
    void saysWhatIsWrongWithAHeader(String header, int dataBytes, String expected) {
        refuses(SafetensorsBytes.of(header, new byte[dataBytes]), expected);
    }

    static Stream<Arguments> files() {
        byte[] json = "{}".getBytes(StandardCharsets.UTF_8);
        return Stream.of(
                arguments(
                        new byte[7],
                        "is not a safetensors file: it has 7 bytes, but its header's length alone takes 8."),
                arguments(
                        SafetensorsBytes.withLength(0, json),
                        "is not a safetensors file, or is cut short: its header's length is 0, but must be from 1 to 2."),
                arguments(
                        SafetensorsBytes.withLength(3, json),
                        "is not a safetensors file, or is cut short: its header's length is 3, but must be from 1 to 2."),
                arguments(
                        SafetensorsBytes.withLength(-1, json),
                        "is not a safetensors file, or is cut short: its header's length is 18446744073709551615, but must be from 1 to"
                                + " 2."),
                arguments(
                        SafetensorsBytes.withLength(4, new byte[] {'{', '"', (byte) 0xc3, '"'}),
                        "is not UTF-8 in its header."));
    }

    @ParameterizedTest
    @MethodSource("files")
    void saysWhatIsWrongWithAFile(byte[] bytes, String expected) {
        refuses(bytes, expected);
    }

    private void refuses(byte[] bytes, String expected) {
        Path path = SafetensorsBytes.write(directory.resolve("f"), bytes);
        assertThatThrownBy(() -> Safetensors.open(path))
                .isInstanceOf(BackpackException.class)
                .hasMessage("[InvalidFile] File '%s' %s", path, expected);
    }

    private static String tensor(String what) {
        return "is not valid: tensor 'a' " + what + ".";
    }

    private static String entry(String type, String shape, String offsets) {
        return "{\"a\":{\"dtype\":%s,\"shape\":%s,\"data_offsets\":%s}}".formatted(type, shape, offsets);
    }
}
