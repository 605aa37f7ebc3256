// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.Optional;

/** Says what a file is that is given in place of another, and how to come from it to what is wanted. */
final class ForeignFile {

    /** As many bytes tell all kinds apart; a tar archive says what it is at byte 257. */
    static final int HEAD_BYTES = 512;

    private static final int ZIP_NAME_LENGTH = 26;
    private static final int ZIP_NAME = 30;
    private static final int TAR_MAGIC = 257;
    private static final int PICKLE = 0x80;
    private static final int MOST_PICKLE_PROTOCOL = 5;

    /** What a file is read as. */
    enum Wanted {
        MODEL("a model, which is JSON"),
        TENSORS("safetensors"),
        IDX("IDX");

        private final String words;

        Wanted(String words) {
            this.words = words;
        }
    }

    private ForeignFile() {}

    /**
     * Refuses a file that is known to be of another kind.
     *
     * @param head its first {@value ForeignFile#HEAD_BYTES} bytes, or all if there are fewer; more do no harm
     * @throws io.backpack4j.spi.BackpackException that says what it is and what to do
     */
    static void refuse(byte[] head, String file, Wanted wanted) {
        if (head.length == 0) {
            throw Failures.invalid(file, "is empty. Was it written, or downloaded, completely?");
        }
        kind(head, file, wanted).ifPresent(words -> {
            throw Failures.invalid(
                    file, "is %s, but is read as %s. %s".formatted(words.what(), wanted.words, words.remedy()));
        });
    }

    private record Words(String what, String remedy) {}

    private static Optional<Words> kind(byte[] head, String file, Wanted wanted) {
        if (wanted == Wanted.TENSORS && isSafetensors(head)) {
            // The length of its header may look like anything.
            return Optional.empty();
        }
        return pointer(head)
                .or(() -> ownKind(head, wanted))
                .or(() -> packed(head))
                .or(() -> arrays(head, file, wanted))
                .or(() -> other(head));
    }

    private static Optional<Words> words(String what, String remedy) {
        return Optional.of(new Words(what, remedy));
    }

    /** Text that came instead of the file. */
    private static Optional<Words> pointer(byte[] head) {
        if (Bytes.holds(head, 0, "version https://git-lfs.github.com/spec")) {
            return words("a pointer of Git LFS", "Run 'git lfs pull' where it was cloned to get the file itself.");
        }
        String start = Bytes.text(head).strip().toLowerCase(Locale.ROOT);
        if (start.startsWith("<!doctype html") || start.startsWith("<html")) {
            return words(
                    "a page in HTML, perhaps of a download that failed",
                    "Open it in a browser to see what it says, and download the file again.");
        }
        return start.startsWith("<?xml") ? words("XML", "Name another file.") : Optional.empty();
    }

    /** Files that are read here, but not in this place. */
    private static Optional<Words> ownKind(byte[] head, Wanted wanted) {
        if (wanted != Wanted.TENSORS && isSafetensors(head)) {
            return words("a safetensors file, which holds tensors", "Were model and data exchanged?");
        }
        // In UTF-8 the byte order mark has three bytes.
        String start = Bytes.text(head).replaceFirst("^\u00ef\u00bb\u00bf", "").stripLeading();
        if (start.startsWith("{") && start.contains("\"weight_map\"")) {
            return words(
                    "the index of a checkpoint in several files",
                    "Give it a name that ends in '.index.json', and keep the files that it lists beside it: then all of them are read.");
        }
        if (wanted != Wanted.MODEL && (start.startsWith("{") || start.startsWith("["))) {
            return words("JSON, as models are", "Were model and data exchanged?");
        }
        if (wanted != Wanted.IDX && Bytes.startsWith(head, (byte) 0, (byte) 0, (byte) 8) && head.length > 4) {
            return words(
                    "IDX, as the digits of MNIST are",
                    wanted == Wanted.MODEL
                            ? "Were model and data exchanged?"
                            : "Write its numbers as 'input' or 'target' with save_file of Python's safetensors; 'backpack demo' takes IDX as it is.");
        }
        return Optional.empty();
    }

    private static boolean isSafetensors(byte[] head) {
        if (!Bytes.holds(head, SafetensorsHeader.LENGTH_BYTES, "{")) {
            return false;
        }
        long length = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return length > 0 && length <= SafetensorsHeader.MAX_BYTES;
    }

    private static Optional<Words> packed(byte[] head) {
        String program = "";
        if (Bytes.holds(head, 0, "\u001f\u008b")) {
            program = "gzip";
        } else if (Bytes.holds(head, 0, "BZh")) {
            program = "bzip2";
        } else if (Bytes.holds(head, 0, "\u00fd7zXZ")) {
            program = "xz";
        } else if (Bytes.holds(head, 0, "\u0028\u00b5\u002f\u00fd")) {
            program = "zstd";
        } else if (Bytes.holds(head, TAR_MAGIC, "ustar")) {
            return words("a tar archive", "Unpack it with 'tar -x' and name the file in it.");
        }
        return program.isEmpty()
                ? Optional.empty()
                : words("packed with " + program, "Unpack it with '%s -d' first.".formatted(program));
    }

    private static Optional<Words> arrays(byte[] head, String file, Wanted wanted) {
        if (Bytes.holds(head, 0, "PK\u0003\u0004")) {
            String first = firstEntry(head);
            if (first.endsWith(".npy")) {
                return words("NumPy's npz", Conversions.ofNpz(file));
            }
            return first.endsWith("data.pkl") || first.endsWith("/version") || first.endsWith(".format_version")
                    ? words("a checkpoint of PyTorch", pytorch(file, wanted))
                    : words("a zip archive", "Unpack it and name the file in it.");
        }
        boolean pickle = head.length > 2 && head[0] == (byte) PICKLE && head[1] >= 2 && head[1] <= MOST_PICKLE_PROTOCOL;
        if (pickle) {
            return words("a pickle of Python, as older checkpoints of PyTorch are", pytorch(file, wanted));
        }
        if (Bytes.holds(head, 0, "\u0093NUMPY")) {
            return words("NumPy's npy", Conversions.ofNpy(file));
        }
        return Bytes.holds(head, 0, "\u0089HDF\r\n\u001a\n")
                ? words("HDF5, as weights of Keras are", Conversions.ofHdf5(file))
                : Optional.empty();
    }

    private static String pytorch(String file, Wanted wanted) {
        String before = wanted == Wanted.MODEL
                ? "It holds weights, not the network: write that as JSON, and take the weights as data. "
                : "";
        return before + Conversions.ofCheckpoint(file);
    }

    /** The name of the first file in a zip archive, empty if it is cut off. */
    private static String firstEntry(byte[] head) {
        if (head.length < ZIP_NAME) {
            return "";
        }
        int length = Short.toUnsignedInt(
                ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getShort(ZIP_NAME_LENGTH));
        int end = Math.min(head.length, ZIP_NAME + length);
        return Bytes.text(head).substring(ZIP_NAME, end);
    }

    private static Optional<Words> other(byte[] head) {
        if (Bytes.holds(head, 0, "GGUF")) {
            return words("GGUF", "Take the weights before they were converted to it.");
        }
        boolean image = Bytes.holds(head, 0, "\u0089PNG") || Bytes.holds(head, 0, "\u00ff\u00d8\u00ff");
        if (image) {
            return words(
                    "an image", "Images are taken as tensors: write their pixels as 'input' of a safetensors file.");
        }
        boolean onnx = head.length > 2 && head[0] == 8 && head[1] > 0 && head[1] < ' ' && head[2] == 0x12;
        return onnx
                ? words(
                        "ONNX, as it seems",
                        "Name a model that ends in .onnx with --model, or turn it into JSON and safetensors: ./backpack convert net.onnx net.")
                : Optional.empty();
    }
}
