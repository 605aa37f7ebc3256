package io.backpack4j.formats;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Writes text as UTF-8. */
public final class TextFile {

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
}
