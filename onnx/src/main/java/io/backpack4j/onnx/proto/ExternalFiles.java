// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.proto;

import io.backpack4j.onnx.wire.Bytes;
import io.backpack4j.onnx.wire.WireFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Files beside a model that hold numbers of its tensors. They must be in the model's folder, or below it. */
final class ExternalFiles {

    private final Optional<Path> folder;
    private final Map<String, Bytes> opened = new HashMap<>();

    /** @param folder the model's; none for a model that is in no file */
    ExternalFiles(Optional<Path> folder) {
        this.folder = folder;
    }

    /**
     * The bytes of a tensor.
     *
     * @param entries as in the file: location, and offset and length if it is not the whole file
     * @param needed how many bytes the tensor has
     */
    Bytes read(String tensor, Map<String, String> entries, long needed) {
        String location = entries.getOrDefault("location", "");
        Bytes file = opened.get(location);
        if (file == null) {
            file = open(tensor, location);
            opened.put(location, file);
        }
        long offset = number(tensor, entries, "offset", 0);
        long length = number(tensor, entries, "length", needed);
        if (length != needed || offset > file.length() - length) {
            throw new WireFormatException(
                    "tensor '%s' has %d bytes, but the file '%s' with %d bytes has %d from %d on for it"
                            .formatted(tensor, needed, location, file.length(), length, offset));
        }
        return file.slice(offset, length);
    }

    private Bytes open(String tensor, String location) {
        if (folder.isEmpty() || location.isEmpty()) {
            throw new WireFormatException(
                    "tensor '%s' is in the file '%s', which is not there".formatted(tensor, location));
        }
        try {
            Path root = folder.get().toRealPath();
            Path path = root.resolve(location).normalize();
            boolean inside = path.startsWith(root)
                    && (!Files.exists(path) || path.toRealPath().startsWith(root));
            if (!inside) {
                throw new WireFormatException("tensor '%s' is in the file '%s', but must be in the model's folder"
                        .formatted(tensor, location));
            }
            if (!Files.isRegularFile(path)) {
                throw new WireFormatException(
                        "tensor '%s' is in the file '%s', which is not beside the model".formatted(tensor, location));
            }
            return Bytes.map(path);
        } catch (IOException | InvalidPathException e) {
            throw new WireFormatException(
                    "tensor '%s' is in the file '%s', which cannot be read".formatted(tensor, location));
        }
    }

    private static long number(String tensor, Map<String, String> entries, String key, long otherwise) {
        String text = entries.get(key);
        try {
            long value = text == null ? otherwise : Long.parseLong(text);
            if (value >= 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Reported below, as a negative number is.
        }
        throw new WireFormatException("tensor '%s' has the %s '%s'".formatted(tensor, key, text));
    }
}
