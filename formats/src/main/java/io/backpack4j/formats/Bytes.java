// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Looks at the first bytes of files. */
final class Bytes {

    private Bytes() {}

    static boolean startsWith(byte[] bytes, byte... start) {
        return bytes.length >= start.length && Arrays.equals(bytes, 0, start.length, start, 0, start.length);
    }

    /** Whether ASCII text, or bytes written as characters up to 255, stand at a position. */
    static boolean holds(byte[] bytes, int position, String text) {
        byte[] wanted = text.getBytes(StandardCharsets.ISO_8859_1);
        int end = position + wanted.length;
        return bytes.length >= end && Arrays.equals(bytes, position, end, wanted, 0, wanted.length);
    }

    /** The bytes as characters up to 255. */
    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
