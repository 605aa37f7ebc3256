// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.spi.BackpackException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads and writes models as JSON: checks their form, not whether types, arguments and connections make sense. */
public final class ModelFile {

    private static final int MAX_BYTES = 64 << 20;

    private ModelFile() {}

    /**
     * Reads a model file.
     *
     * @throws BackpackException if it cannot be read or does not have the form of a model, with all problems
     */
    public static ModelDescription read(Path path) {
        return parse(text(path), path.toString());
    }

    /**
     * Reads a model file as text, without a byte order mark.
     *
     * @throws BackpackException if it cannot be read, is larger than a model can be, or is not UTF-8
     */
    public static String text(Path path) {
        String file = path.toString();
        if (Files.isDirectory(path)) {
            throw Failures.invalid(file, "cannot be read: it is a directory. Name a file in it.");
        }
        try (InputStream stream = Files.newInputStream(path)) {
            byte[] bytes = stream.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw Failures.invalid(file, "is not a model: it has more than %d bytes.".formatted(MAX_BYTES));
            }
            ForeignFile.refuse(bytes, file, ForeignFile.Wanted.MODEL);
            return TextFile.decode(bytes, file);
        } catch (IOException e) {
            throw Failures.unreadable(file, e);
        }
    }

    /**
     * Reads a model from text.
     *
     * @param json what a model file would hold
     * @param file where it comes from, for messages
     * @throws BackpackException if the text does not have the form of a model, with all problems
     */
    public static ModelDescription parse(String json, String file) {
        return new ModelReader(file).read(StrictJson.object(json, file));
    }

    /**
     * Writes a model file, as a whole or not at all. What stands there is replaced.
     *
     * @param model such as {@link Model#description()}
     * @throws BackpackException if it cannot be written
     */
    public static void write(Path path, ModelDescription model) {
        try (ReplacementFile file = ReplacementFile.create(path)) {
            file.write(0, ByteBuffer.wrap(ModelWriter.write(model).getBytes(StandardCharsets.UTF_8)));
            file.commit();
        }
    }
}
