// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Damages files: as bytes, as JSON and as safetensors. */
final class Mutations {

    private static final byte[] LIKELY =
            "{}[](),:=\"'-0123456789.eE*\\ntfN \0\u007f".getBytes(StandardCharsets.ISO_8859_1);
    private static final Pattern TOKEN =
            Pattern.compile("\"(?:[^\"\\\\]|\\\\.)*\"|-?[0-9][0-9.eE+-]*|true|false|null|[{}\\[\\],:]");
    private static final Pattern NUMBER = Pattern.compile("(?<=[\\[:, ])-?[0-9]+(\\.[0-9]+)?(?=[\\],} ])");
    private static final Pattern STRING = Pattern.compile("\"[^\"]*\"");
    private static final Pattern VALUE = Pattern.compile("(?<=: )(\"[^\"]*\"|[-0-9.]+|\\[[^\\[\\]]*]|true|false)");
    private static final Pattern ENTRY =
            Pattern.compile("\"[^\"]*\": ?(\"[^\"]*\"|[-0-9.]+|\\[[^\\[\\]]*]|true|false), ?");
    private static final List<String> NUMBERS = List.of(
            "0",
            "-1",
            "1",
            "2",
            "3",
            "7",
            "64",
            "65536",
            "2147483647",
            "2147483648",
            "-2147483648",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "1e308",
            "1e999",
            "-0.0",
            "0.5",
            "1e-320",
            "123456789012345678901234567890");
    private static final List<String> VALUES = List.of(
            "true",
            "false",
            "null",
            "[]",
            "{}",
            "\"\"",
            "\"x\"",
            "[1]",
            "[1,2,3]",
            "\"input\"",
            "\"\\u0000\"",
            "[[0]]");
    private static final int DEEP = 20_000;

    private final Random random;

    Mutations(Random random) {
        this.random = random;
    }

    /** Flips, replaces, cuts, repeats and leaves out bytes. */
    byte[] bytes(byte[] valid) {
        byte[] bytes = valid.clone();
        int times = 1 + random.nextInt(3);
        for (int i = 0; i < times && bytes.length > 0; i++) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(7)) {
                case 0 -> bytes[at] = (byte) random.nextInt();
                case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> bytes[at] = LIKELY[random.nextInt(LIKELY.length)];
                case 3 -> bytes = Arrays.copyOf(bytes, at);
                case 4 -> bytes = splice(bytes, at + random.nextInt(bytes.length - at), at);
                case 5 -> bytes = Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(64));
                default -> bytes = splice(bytes, at, Math.min(bytes.length, at + 1 + random.nextInt(4)));
            }
        }
        return bytes;
    }

    /** Replaces, leaves out, repeats and exchanges tokens: what comes out is often JSON still. */
    String json(String valid) {
        String json = valid;
        int times = 1 + random.nextInt(2);
        for (int i = 0; i < times; i++) {
            List<MatchResult> tokens = TOKEN.matcher(json).results().toList();
            if (tokens.isEmpty()) {
                return json;
            }
            MatchResult token = tokens.get(random.nextInt(tokens.size()));
            MatchResult other = tokens.get(random.nextInt(tokens.size()));
            json = switch (random.nextInt(20)) {
                case 0 -> replace(json, token, "");
                case 1 -> replace(json, token, token.group() + token.group());
                case 2 -> replace(json, token, other.group());
                case 3 -> replace(json, token, value());
                case 4 -> entries(json, token, other);
                case 5 -> random.nextInt(10) == 0 ? replace(json, token, deep()) : replace(json, token, value());
                case 6 -> json.substring(0, token.start());
                case 7, 8, 9 -> exchange(json, STRING, null);
                case 10, 11, 12 -> exchange(json, VALUE, VALUES);
                case 13, 14 -> dropEntry(json);
                default -> exchange(json, NUMBER, NUMBERS);
            };
        }
        return json;
    }

    /** Damages the header, its length or the bytes. */
    byte[] safetensors(byte[] valid) {
        int length = (int) ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN).getLong();
        String header = new String(valid, Long.BYTES, length, StandardCharsets.UTF_8);
        byte[] data = Arrays.copyOfRange(valid, Long.BYTES + length, valid.length);
        return switch (random.nextInt(6)) {
            case 0 -> bytes(valid);
            case 1, 2 -> {
                byte[] json = json(header).getBytes(StandardCharsets.UTF_8);
                yield join(json.length, json, random.nextInt(8) == 0 ? bytes(data) : data);
            }
            case 4 -> join(lengths(length), header.getBytes(StandardCharsets.UTF_8), data);
            default -> join(length, header.getBytes(StandardCharsets.UTF_8), words(data));
        };
    }

    private long lengths(int length) {
        long[] lengths = {
            0, 1, 7, length - 1, length + 1, length + 8, 100_000_000, 100_000_001, Integer.MAX_VALUE, 1L << 32
        };
        return random.nextInt(4) == 0 ? random.nextLong() : lengths[random.nextInt(lengths.length)];
    }

    /** Numbers that are unlikely: NaN, infinities, the largest and the smallest. */
    private byte[] words(byte[] data) {
        double[] unlikely = {
            Double.NaN,
            Double.POSITIVE_INFINITY,
            Double.MAX_VALUE,
            -Double.MAX_VALUE,
            Double.MIN_VALUE,
            1e30,
            -1e150,
            0,
            3.4e38
        };
        ByteBuffer words = ByteBuffer.wrap(data.clone()).order(ByteOrder.LITTLE_ENDIAN);
        int times = 1 + random.nextInt(4);
        for (int i = 0; i < times && data.length >= Double.BYTES; i++) {
            words.putDouble(
                    Double.BYTES * random.nextInt(data.length / Double.BYTES),
                    unlikely[random.nextInt(unlikely.length)]);
        }
        return words.array();
    }

    /** Replaces one match by one of some choices, or by another match: what was JSON stays so. */
    private String exchange(String json, Pattern pattern, @Nullable List<String> choices) {
        List<MatchResult> found = pattern.matcher(json).results().toList();
        if (found.isEmpty()) {
            return json;
        }
        MatchResult one = found.get(random.nextInt(found.size()));
        String other = choices == null ? found.get(random.nextInt(found.size())).group() : pick(choices);
        return replace(json, one, other);
    }

    private String dropEntry(String json) {
        return exchange(json, ENTRY, List.of(""));
    }

    private String value() {
        return random.nextBoolean() ? pick(NUMBERS) : pick(VALUES);
    }

    private String pick(List<String> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    private String deep() {
        String open = random.nextBoolean() ? "[" : "{\"a\":";
        return open.repeat(1 + random.nextInt(DEEP));
    }

    /** Repeats what lies between two tokens, at the end of it. */
    private static String entries(String json, MatchResult one, MatchResult other) {
        int from = Math.min(one.start(), other.start());
        int to = Math.max(one.end(), other.end());
        return json.substring(0, to) + "," + json.substring(from);
    }

    private static String replace(String text, MatchResult token, String replacement) {
        return text.substring(0, token.start()) + replacement + text.substring(token.end());
    }

    private static byte[] join(long length, byte[] header, byte[] data) {
        return ByteBuffer.allocate(Long.BYTES + header.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(header)
                .put(data)
                .array();
    }

    /** The bytes before {@code to}, then those from {@code from} on: some are repeated or left out. */
    private static byte[] splice(byte[] bytes, int to, int from) {
        byte[] spliced = Arrays.copyOf(bytes, to + bytes.length - from);
        System.arraycopy(bytes, from, spliced, to, bytes.length - from);
        return spliced;
    }
}
