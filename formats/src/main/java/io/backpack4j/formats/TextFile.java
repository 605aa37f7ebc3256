// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.spi.BackpackException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Text in UTF-8. */
public final class TextFile {

    /**
     * Stands before the text that some editors and shells write. It says nothing, because UTF-8 has one order of bytes.
     */
    private static final char BYTE_ORDER_MARK = '\ufeff';

    private static final String REMEDY =
            "Save it as UTF-8: in PowerShell with 'Out-File -Encoding utf8', in an editor where it asks for the encoding.";

    /** Marks of encodings that are not UTF-8; that of UTF-32 begins with that of UTF-16. */
    private static final List<Mark> MARKS = List.of(
            new Mark("UTF-32", new byte[] {(byte) 0xff, (byte) 0xfe, 0, 0}),
            new Mark("UTF-32", new byte[] {0, 0, (byte) 0xfe, (byte) 0xff}),
            new Mark("UTF-16", new byte[] {(byte) 0xff, (byte) 0xfe}),
            new Mark("UTF-16", new byte[] {(byte) 0xfe, (byte) 0xff}));

    private record Mark(String encoding, byte[] bytes) {}

    private TextFile() {}

    /**
     * Writes a file as a whole or not at all, replacing what it held.
     *
     * @throws io.backpack4j.spi.BackpackException if it cannot be written
     */
    public static void write(Path target, String text) {
        try (ReplacementFile file = ReplacementFile.create(target)) {
            file.write(0, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            file.commit();
        }
    }

    /**
     * The text that bytes hold, without a byte order mark.
     *
     * @param file where they come from, for messages
     * @throws BackpackException if they are not UTF-8
     */
    static String decode(byte[] bytes, String file) {
        for (Mark mark : MARKS) {
            if (Bytes.startsWith(bytes, mark.bytes())) {
                throw Failures.invalid(
                        file,
                        "begins with the byte order mark of %s, but must be UTF-8. %s"
                                .formatted(mark.encoding(), REMEDY));
            }
        }
        // JSON begins with a character of ASCII, which is half a zero in UTF-16.
        if (bytes.length > 1 && (bytes[0] == 0) != (bytes[1] == 0)) {
            throw Failures.invalid(file, "has a zero in every other byte, as UTF-16 has, but must be UTF-8. " + REMEDY);
        }
        try {
            // A decoder of its own reports what is malformed; the default replaces it.
            return withoutMark(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString());
        } catch (CharacterCodingException e) {
            throw Failures.invalid(file, "is not UTF-8. " + REMEDY);
        }
    }

    static String withoutMark(String text) {
        return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
    }
}
