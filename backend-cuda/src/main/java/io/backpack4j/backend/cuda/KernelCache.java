// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps compiled kernels on disk. A file's name is a hash of all that its contents depend on, and files appear whole,
 * so that processes can share a directory. Where the disk refuses, kernels are compiled anew.
 */
final class KernelCache {

    private static final Logger LOG = LoggerFactory.getLogger(KernelCache.class);

    private final Optional<Path> directory;

    KernelCache(Optional<Path> directory) {
        this.directory = directory;
    }

    /**
     * Key of compiled code: all that it depends on.
     *
     * @param source the text
     * @param definitions macros
     * @param architecture the kind of device
     * @param compiler the compiler and its version
     */
    record Key(String source, List<String> definitions, String architecture, String compiler) {

        /** A name for the compiled code. */
        String fileName() {
            try {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                for (String part : List.of(source, definitions.toString(), architecture, compiler)) {
                    byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                    digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
                    digest.update(bytes);
                }
                return HexFormat.of().formatHex(digest.digest()) + ".bin";
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("Every Java platform has SHA-256.", e);
            }
        }
    }

    /** The compiled code from disk, or else from the compiler. */
    byte[] get(Key key, Supplier<byte[]> compiler) {
        if (directory.isEmpty()) {
            return compiler.get();
        }
        Path file = directory.get().resolve(key.fileName());
        try {
            if (Files.isRegularFile(file)) {
                return Files.readAllBytes(file);
            }
        } catch (IOException e) {
            LOG.warn("Compiled kernels in {} cannot be read ({}); they are compiled anew.", file, e.toString());
        }
        byte[] image = compiler.get();
        store(file, image);
        return image;
    }

    private static void store(Path file, byte[] image) {
        try {
            Files.createDirectories(file.getParent());
            Path part = Files.createTempFile(file.getParent(), "compiled", ".part");
            try {
                Files.write(part, image);
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            LOG.warn(
                    "Compiled kernels cannot be kept in {} ({}); set backpack.cuda.cache to a directory that can be"
                            + " written, or to 'none'.",
                    file.getParent(),
                    e.toString());
        }
    }
}
